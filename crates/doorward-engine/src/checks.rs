//! Judging settings: each function names the key of what it refuses.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use doorward_core::cookie::{CookieName, CookieOptions, CookieSettings, CookieSettingsError};
use doorward_core::origin::{AllowedOrigins, AppOrigin, PublicUrl, is_loopback_host, same_site};
use doorward_core::ports::TenantDirectory;
use doorward_core::session::Lifetimes;
use doorward_core::tenant::{ConfiguredTenants, HostName, PublicUrlPattern};
use doorward_oidc::ResponseMode;

use crate::error::BuildError;
use crate::plan::SitePlan;
use crate::settings::{Place, Provider, ProviderSettings, Sessions};
use crate::settings_tenant::Tenant;

/// RFC 6265bis §5.5: browsers keep no cookie longer.
const LONGEST_SESSION: Duration = Duration::from_secs(400 * 24 * 3600);

/// A session that was ended elsewhere must not live on for long because the store is down.
const LONGEST_STALE: Duration = Duration::from_secs(5 * 60);

/// Whoever can change the traffic of a plain http page would call the https application in its user's name.
pub(crate) fn refuse_plain_http(public_url: &PublicUrl, origins: &AllowedOrigins) -> Result<(), BuildError> {
    let plain = origins
        .app()
        .iter()
        .map(AppOrigin::base)
        .find(|origin| !origin.is_https() && !is_loopback_host(origin.host()));
    match plain {
        Some(origin) if public_url.is_https() => Err(BuildError::text(
            "server.app_origins",
            format!("expected https as in server.public_url, found {:?}", origin.as_str()),
        )),
        _ => Ok(()),
    }
}

/// A name that our own login reads would mean two things at once.
pub(crate) fn carried_names(names: &[String]) -> Result<(), BuildError> {
    const OURS: [&str; 16] = [
        "return_url",
        "returnTo",
        "return_to",
        "returnUrl",
        "rd",
        "target_link_uri",
        "tenant_name",
        "tenant_domain",
        "tenant_custom_domain",
        "login_hint",
        "idp_hint",
        "prompt",
        "max_age",
        "acr_values",
        "ui_locales",
        "iss",
    ];
    let mut seen = std::collections::HashSet::new();
    let unfit = |name: &&String| !(1..=64).contains(&name.len()) || OURS.contains(&name.as_str());
    match names.iter().find(|name| unfit(name) || !seen.insert(name.as_str())) {
        Some(name) => Err(BuildError::text(
            "auth.carry_through_login",
            format!("expected a parameter of the application's own, once, found {name:?}"),
        )),
        None => Ok(()),
    }
}

pub(crate) fn required<T>(key: &'static str, value: Option<T>) -> Result<T, BuildError> {
    value.ok_or_else(|| BuildError::text(key, "expected a value, found none"))
}

/// Whoever ends sessions from outside must have something to end them in.
pub(crate) fn logout_from_outside(sessions: &Sessions, back: bool, front: bool) -> Result<(), BuildError> {
    let is_stored = matches!(sessions.place, Place::Store(_));
    if is_stored && sessions.revocation_store.is_some() {
        return Err(BuildError::text(
            "session.revocation_store",
            "expected none beside a session store, which ends its sessions itself",
        ));
    }
    let key = match (back, front) {
        _ if is_stored || sessions.revocation_store.is_some() => return Ok(()),
        (true, _) => "auth.backchannel_logout",
        (_, true) => "auth.frontchannel_logout",
        (false, false) => return Ok(()),
    };
    Err(BuildError::text(
        key,
        "expected a session store, or session.revocation_store for sessions in cookies, found neither: nothing could end a session that its browser does not present",
    ))
}

pub(crate) fn cookie_settings(
    sessions: &Sessions,
    public_url: &PublicUrl,
    providers: &[(String, ProviderSettings)],
) -> Result<CookieSettings, BuildError> {
    let options = CookieOptions {
        cookie_domain: sessions.cookie_domain.clone(),
        same_site: sessions.same_site,
        session_name: sessions.cookie_name.clone(),
        csrf_name: sessions.csrf_cookie_name.clone(),
    };
    if let Some(name) = &sessions.csrf_cookie_name {
        CookieName::new(name.as_str()).map_err(|error| BuildError::setting("csrf.cookie_name", error))?;
    }
    let settings = CookieSettings::checked(public_url, &options).map_err(|error| {
        let is_csrf = |name: &str| sessions.csrf_cookie_name.as_deref() == Some(name);
        let key = match &error {
            CookieSettingsError::SameSiteNoneNeedsHttps => "session.same_site",
            CookieSettingsError::InvalidDomain { .. } | CookieSettingsError::ForeignDomain { .. } => {
                "session.cookie_domain"
            }
            CookieSettingsError::PrefixNeedsHttps { name }
            | CookieSettingsError::PrefixForbidsDomain { name }
            | CookieSettingsError::NamesCollide { name }
                if is_csrf(name) =>
            {
                "csrf.cookie_name"
            }
            _ => "session.cookie_name",
        };
        BuildError::setting(key, error)
    })?;
    let form_post =
        |(_, provider): &(String, ProviderSettings)| provider.authorize.response_mode == ResponseMode::FormPost;
    if providers.iter().any(form_post) && !settings.is_secure() {
        return Err(BuildError::text(
            "provider.response_mode",
            "form_post needs a login cookie with SameSite=None, and that needs an https public URL",
        ));
    }
    Ok(settings)
}

pub(crate) fn lifetimes(sessions: &Sessions) -> Result<Lifetimes, BuildError> {
    let at_least_a_second = |key, timeout: Duration| {
        if timeout < Duration::from_secs(1) {
            Err(BuildError::text(key, "expected at least one second"))
        } else {
            Ok(timeout)
        }
    };
    let lifetimes = Lifetimes {
        idle_timeout: at_least_a_second("session.idle_timeout", sessions.idle_timeout)?,
        absolute_timeout: at_least_a_second("session.absolute_timeout", sessions.absolute_timeout)?,
        outlive_access_token: sessions.outlive_access_token,
    };
    if lifetimes.absolute_timeout > LONGEST_SESSION {
        return Err(BuildError::text(
            "session.absolute_timeout",
            "expected at most 400 days, the longest a browser keeps a cookie",
        ));
    }
    Ok(lifetimes)
}

/// How old a session may be that is served while the store is down, where any is.
pub(crate) fn serve_stale(sessions: &Sessions) -> Result<Option<Duration>, BuildError> {
    if let Some(limit) = sessions.serve_stale {
        if matches!(sessions.place, Place::Cookie) {
            return Err(BuildError::text(
                "session.serve_stale",
                "expected a store in session.store",
            ));
        }
        if !(Duration::from_secs(1)..=LONGEST_STALE).contains(&limit) {
            return Err(BuildError::text(
                "session.serve_stale",
                "expected between one second and five minutes",
            ));
        }
    }
    Ok(sessions.serve_stale)
}

/// Judges how long the stores' calls may take: a request waits as long where one is silent.
pub(crate) fn store_deadlines(sessions: &Sessions) -> Result<(), BuildError> {
    let place = match &sessions.place {
        Place::Store(store) => Some(store),
        Place::Cookie => None,
    };
    let bounds = Duration::from_millis(10)..=Duration::from_secs(5);
    for store in place.into_iter().chain(&sessions.revocation_store) {
        if !bounds.contains(&store.deadline()) {
            return Err(BuildError::text(
                "session.store_deadline",
                "expected a store whose calls take between 10 milliseconds and 5 seconds at most",
            ));
        }
    }
    Ok(())
}

/// How many sessions a user may have at once, where that is limited.
pub(crate) fn max_per_user(sessions: &Sessions) -> Result<Option<NonZeroUsize>, BuildError> {
    let key = "session.max_per_user";
    let Some(most) = sessions.max_per_user else {
        return Ok(None);
    };
    if matches!(sessions.place, Place::Cookie) {
        return Err(BuildError::text(
            key,
            "expected a session store beside it, for nobody counts sessions that live in cookies alone",
        ));
    }
    match NonZeroUsize::new(most) {
        Some(most) => Ok(Some(most)),
        None => Err(BuildError::text(key, "expected at least 1, found 0")),
    }
}

pub(crate) fn base_path(base_path: Option<String>) -> Result<String, BuildError> {
    let base_path = base_path.unwrap_or_else(|| "/auth".into());
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let fits = base_path
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(plain));
    if !fits {
        return Err(BuildError::text(
            "auth.base_path",
            format!("expected a path such as \"/auth\" of letters, digits, \"-\" and \"_\", found {base_path:?}"),
        ));
    }
    Ok(base_path)
}

pub(crate) fn warnings(public_url: &PublicUrl, app_origins: &[String], sessions: &Sessions) -> Vec<String> {
    let mut warnings = Vec::new();
    for text in app_origins {
        let Ok(app) = AppOrigin::parse(text) else {
            continue;
        };
        let own = public_url.origin();
        if !same_site(own, app.base()) {
            warnings.push(format!(
                "server.app_origins: {text} is another site than {}; browsers send it no session cookie unless session.same_site is \"None\"",
                own.as_str(),
            ));
        }
        if app.base().host() != own.host() && sessions.cookie_domain.is_none() {
            warnings.push(format!(
                "server.app_origins: {text} is on another host than {} and session.cookie_domain is not set; its pages cannot read the CSRF cookie",
                own.as_str(),
            ));
        }
    }
    if matches!(sessions.place, Place::Cookie) && !public_url.is_loopback() {
        let unshared = match sessions.revocation_store {
            Some(_) => "renewed tokens",
            None => "ended sessions and renewed tokens",
        };
        warnings.push(format!(
            "session.store: sessions live in cookies alone; run one process, for several do not share {unshared}"
        ));
    }
    warnings
}

/// Tenants whose access tokens nobody would recognise: Wristband's tokens have the tenant's ID and not its name.
pub(crate) fn tenants_without_id(tenants: &[Tenant], plan: &SitePlan) -> Result<Option<String>, BuildError> {
    let mut names = Vec::new();
    for tenant in tenants {
        let tenant = tenant.checked()?;
        let is_without = tenant.id.as_str() == tenant.name.as_str();
        if is_without && plan.provider_of(&tenant)?.platform.is_some() {
            names.push(tenant.name.to_string());
        }
    }
    Ok((!names.is_empty()).then(|| {
        format!(
            "tenants.id: not set for {}; access tokens of a \"wristband\" provider name a tenant by its ID alone, and none of theirs is accepted",
            names.join(", "),
        )
    }))
}

/// The pattern of the public URL, and the URL of what is nobody's: of the root where no other is named.
pub(crate) fn public_urls(
    public_url: Option<String>,
    without_tenant: Option<String>,
) -> Result<(PublicUrlPattern, PublicUrl), BuildError> {
    let text = required("server.public_url", public_url)?;
    let mut pattern =
        PublicUrlPattern::parse(&text).map_err(|error| BuildError::setting("server.public_url", error))?;
    if let Some(url) = without_tenant {
        let key = "server.public_url_without_tenant";
        let url = PublicUrl::parse(&url).map_err(|error| BuildError::setting(key, error))?;
        pattern = pattern
            .with_fallback(url)
            .map_err(|error| BuildError::setting(key, error))?;
    }
    let home = match pattern.without_tenant() {
        Some(url) => url,
        None => PublicUrl::parse(&pattern.to_string().replacen("{tenant}.", "", 1))
            .map_err(|error| BuildError::setting("server.public_url", error))?,
    };
    Ok((pattern, home))
}

/// A name that ends a redirect URI, and is no step in its path.
fn fits_callback(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain) && !matches!(name, "." | ".." | "callback")
}

/// Judges providers: each by itself, and that no two are the same or have one name.
pub(crate) fn providers(providers: Vec<(String, Provider)>) -> Result<Vec<(String, ProviderSettings)>, BuildError> {
    let mut checked: Vec<(String, ProviderSettings)> = Vec::new();
    for (name, provider) in providers {
        let provider = provider.checked()?;
        for (other, known) in &checked {
            if *other == name {
                return Err(BuildError::text("providers.name", format!("{name:?} is given twice")));
            }
            if known.issuer.as_str() == provider.issuer.as_str() && known.client.id() == provider.client.id() {
                return Err(BuildError::text(
                    "providers.client_id",
                    format!("{other:?} and {name:?} are the same client of the same issuer"),
                ));
            }
        }
        if !checked.is_empty() && !fits_callback(&name) {
            return Err(BuildError::text(
                "providers.name",
                format!(
                    "expected letters, digits, \"-\", \"_\" and \".\", for it ends the provider's redirect URI, found {name:?}"
                ),
            ));
        }
        checked.push((name, provider));
    }
    if checked.is_empty() {
        return Err(BuildError::text("provider.issuer", "expected a value, found none"));
    }
    Ok(checked)
}

/// The tenants of the configuration, or whoever else knows them; `None` without tenants.
pub(crate) fn directory(
    tenants: &[Tenant],
    other: Option<Arc<dyn TenantDirectory>>,
    pattern: &PublicUrlPattern,
    plan: &SitePlan,
) -> Result<Option<Arc<dyn TenantDirectory>>, BuildError> {
    if tenants.is_empty() {
        if other.is_none() && pattern.has_tenants() {
            return Err(BuildError::text(
                "tenants",
                "expected tenants, or a directory of them, for the {tenant} in server.public_url, found none",
            ));
        }
        return Ok(other);
    }
    if other.is_some() {
        return Err(BuildError::text(
            "tenants",
            "expected tenants or a directory of them, found both",
        ));
    }
    let tenants = tenants.iter().map(Tenant::checked).collect::<Result<Vec<_>, _>>()?;
    for tenant in &tenants {
        plan.provider_of(tenant)?;
        if pattern.reserves(&tenant.name) {
            return Err(BuildError::text(
                "tenants.name",
                format!("{} is the host of server.public_url_without_tenant", tenant.name),
            ));
        }
        let others = |host: &HostName| {
            let name = pattern.name_at(host).filter(|name| *name != tenant.name);
            name.is_some_and(|name| tenants.iter().any(|other| other.name == name))
        };
        let is_taken = |host: &&HostName| pattern.is_no_tenants(host) || others(host);
        if let Some(host) = tenant.hosts.iter().find(is_taken) {
            return Err(BuildError::text(
                "tenants.hosts",
                format!("{host} is another tenant's by server.public_url, or no tenant's"),
            ));
        }
    }
    let configured = ConfiguredTenants::new(tenants).map_err(|error| BuildError::setting("tenants", error))?;
    Ok(Some(Arc::new(configured)))
}
