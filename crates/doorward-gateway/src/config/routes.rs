//! `[[routes]]`: which paths go to which backend, and who may call. What no route names is refused.

use std::collections::HashMap;

use doorward::Rule;
use url::{Host, Url};

use super::path_pattern::PathPattern;
use super::reading::Section;

/// Where clients of bearer tokens read about this service (RFC 9728), and where our own keys are.
const OUR_WELL_KNOWN: [&str; 2] = ["/.well-known/oauth-protected-resource", "/.well-known/doorward"];

/// Paths that go to a backend.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) path: PathPattern,
    /// The backend's origin; a request keeps its own path.
    pub(crate) upstream: Url,
    pub(crate) rule: Rule,
    pub(crate) relay: Relay,
}

/// What a backend is given beside the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relay {
    Nothing,
    /// The user's access token as `Authorization: Bearer`.
    AccessToken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unauthenticated {
    Refuse,
    Login,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Csrf {
    Token,
    Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Public,
    Session,
    Bearer,
}

/// What routes are judged against.
pub(super) struct Surroundings<'s> {
    pub(super) base_path: &'s str,
    pub(super) accepts_bearer: bool,
}

/// Reads all routes; those at fault are left out.
pub(super) fn routes(root: &Section<'_>, around: &Surroundings<'_>) -> Vec<Route> {
    let mut routes = Vec::new();
    let mut shapes: HashMap<String, String> = HashMap::new();
    let sections = root.sections("routes");
    // What is at fault with them says enough.
    let at_fault = || root.reading.findings.is_told("routes");
    if sections.is_empty() && !at_fault() {
        root.warn("routes", "there are none; every path but Doorward's own is refused");
    }
    for section in sections {
        let path = path(&section, around);
        if let Some(path) = &path {
            let own = section.path().to_owned();
            if let Some(other) = shapes.insert(path.shape(), own) {
                section.refuse(
                    "path",
                    format!("matches the same paths as {other}, expected one rule for a path"),
                );
            }
        }
        let upstream = upstream(&section);
        let rule = rule(&section, around);
        let relay = relay(&section, rule.as_ref(), upstream.as_ref());
        section.finish();
        if let (Some(path), Some(upstream), Some(rule)) = (path, upstream, rule) {
            routes.push(Route {
                path,
                upstream,
                rule,
                relay,
            });
        }
    }
    if around.accepts_bearer
        && !at_fault()
        && !routes.is_empty()
        && !routes.iter().any(|route| route.rule.accepts_bearer())
    {
        root.warn(
            "bearer",
            "no route has \"bearer\" in its access; tokens are accepted nowhere",
        );
    }
    routes
}

fn path(section: &Section<'_>, around: &Surroundings<'_>) -> Option<PathPattern> {
    let text = section.required("path")?;
    let path = match PathPattern::parse(&text) {
        Ok(path) => path,
        Err(misread) => {
            let meant = misread.meant.map(|meant| format!("; did you mean {meant:?}?"));
            let expected = misread.expected;
            section.refuse(
                "path",
                format!("expected {expected}, found {text:?}{}", meant.unwrap_or_default()),
            );
            return None;
        }
    };
    let mut ours = std::iter::once(around.base_path).chain(OUR_WELL_KNOWN);
    if let Some(ours) = ours.find(|ours| path.is_within(ours)) {
        section.refuse(
            "path",
            format!("can never be reached: Doorward answers {ours} and what is below itself; found {text:?}"),
        );
    }
    Some(path)
}

fn upstream(section: &Section<'_>) -> Option<Url> {
    let text = section.required("upstream")?;
    // The text is not repeated where it may hold a password.
    let refuse = |problem: &str| {
        section.refuse(
            "upstream",
            format!("expected a URL such as \"http://127.0.0.1:3000\", {problem}"),
        );
        None
    };
    // The parser mends what browsers mend, `http:/\\host` too; a backend has one spelling.
    if !(text.starts_with("http://") || text.starts_with("https://")) || text.contains('\\') {
        return refuse("found none that begins with http:// or https://");
    }
    let Ok(url) = Url::parse(&text) else {
        return refuse("found none that can be read");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("found a user name or a password in it");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("found a path, a query or a fragment; a request keeps its own path");
    }
    if url.port() == Some(0) {
        return refuse("found port 0");
    }
    Some(url)
}

fn rule(section: &Section<'_>, around: &Surroundings<'_>) -> Option<Rule> {
    let words = [
        ("public", Caller::Public),
        ("session", Caller::Session),
        ("bearer", Caller::Bearer),
    ];
    let expected = "\"public\" alone, or any of \"session\" and \"bearer\"";
    let access = section.listed("access", expected, |text| super::values::word(&words, text));
    let roles = names(section, "roles");
    let scopes = names(section, "scopes");
    let unauthenticated = section
        .one_of(
            "unauthenticated",
            &[("401", Unauthenticated::Refuse), ("login", Unauthenticated::Login)],
        )
        .unwrap_or(Unauthenticated::Refuse);
    let csrf = section
        .one_of("csrf", &[("token", Csrf::Token), ("origin", Csrf::Origin)])
        .unwrap_or(Csrf::Token);

    let access = match access {
        None if section.holds("access") => return None,
        None => vec![Caller::Session],
        // An element was told of; what is left may mean another rule.
        Some(access) if section.array("access").is_some_and(|given| given.len() != access.len()) => return None,
        Some(access) => access,
    };
    let mut rule = match access.as_slice() {
        [Caller::Public] => Rule::Public,
        [Caller::Session] => Rule::Session,
        [Caller::Bearer] => Rule::bearer(),
        [Caller::Session, Caller::Bearer] | [Caller::Bearer, Caller::Session] => Rule::session_or_bearer(),
        [] => {
            section.refuse("access", format!("expected {expected}, found nobody"));
            return None;
        }
        _ => {
            section.refuse("access", format!("expected {expected}, each at most once"));
            return None;
        }
    };
    if rule.accepts_bearer() && !around.accepts_bearer {
        section.refuse(
            "access",
            "\"bearer\" expects a table [bearer] that says which tokens count, found none",
        );
    }
    let none = |key, is_set: bool, needs: &str| {
        if is_set {
            section.refuse(
                key,
                format!("expected it only where access has {needs}; here it would have no effect"),
            );
        }
    };
    // With a role a public rule would silently become one for sessions.
    none(
        "roles",
        rule.is_public() && !roles.is_empty(),
        "\"session\" or \"bearer\"",
    );
    none(
        "scopes",
        rule.is_public() && !scopes.is_empty(),
        "\"session\" or \"bearer\"",
    );
    let login = unauthenticated == Unauthenticated::Login;
    none("unauthenticated", login && !rule.accepts_session(), "\"session\"");
    none("csrf", csrf == Csrf::Origin && !rule.accepts_session(), "\"session\"");

    if !roles.is_empty() {
        rule = rule.with_any_role(roles);
    }
    for scope in scopes {
        rule = rule.with_scope(scope);
    }
    if csrf == Csrf::Origin {
        rule = rule.csrf_origin();
    }
    if login {
        rule = rule.or_login();
    }
    Some(rule)
}

/// Reads names of roles or scopes; there are none where nothing is said.
fn names(section: &Section<'_>, key: &'static str) -> Vec<String> {
    let named = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    section.listed(key, "a name", named).unwrap_or_default()
}

fn relay(section: &Section<'_>, rule: Option<&Rule>, upstream: Option<&Url>) -> Relay {
    let words = [("none", Relay::Nothing), ("access_token", Relay::AccessToken)];
    let relay = section.one_of("relay", &words).unwrap_or(Relay::Nothing);
    if relay == Relay::AccessToken {
        if rule.is_some_and(|rule| rule.is_public()) {
            section.refuse("relay", "expected \"none\" on a public route, found \"access_token\"");
        }
        if upstream.is_some_and(|url| url.scheme() == "http" && !is_loopback(url)) {
            section.warn(
                "relay",
                "access tokens travel to the upstream over plain http; whoever is on the way can use them",
            );
        }
    }
    relay
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
