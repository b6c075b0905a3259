//! The rules about claims, for signed and for introspected tokens alike.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{AccessTokenRules, AudienceRule, Form, MAX_ACCESS_TOKEN_AGE, SubjectKind, VerifiedAccessToken};
use crate::error::AccessTokenError;
use crate::fields::{numeric_date, strict_string};
use crate::id_token::is_subject;
use crate::time::UnixTime;

/// How long an introspected token without `exp` is believed.
const UNSAID_LIFETIME: Duration = Duration::from_secs(30);

/// What only ID tokens have (OpenID Connect Core §2, §3.1.3.6, §3.3.2.11; FAPI's `s_hash`).
const ID_TOKEN_CLAIMS: &[&str] = &["nonce", "at_hash", "c_hash", "s_hash"];
const MAX_TEXT_BYTES: usize = 1_024;
const MAX_CLIENT_BYTES: usize = 255;
const MAX_AUDIENCES: usize = 64;
const MAX_SCOPES: usize = 256;
const MAX_SCOPE_BYTES: usize = 256;

/// Applies every rule that concerns claims.
pub(crate) fn judge(
    claims: Map<String, Value>,
    key_id: Option<String>,
    form: Form,
    rules: &AccessTokenRules,
    now: UnixTime,
) -> Result<VerifiedAccessToken, AccessTokenError> {
    let issuer = strict_string(&claims, "iss")?;
    match issuer {
        Some(issuer) if issuer != rules.issuer => return Err(AccessTokenError::IssuerMismatch),
        // RFC 7662 §2.2: optional there, where the endpoint asked is the issuer's own.
        None if form != Form::Introspected => return Err(AccessTokenError::Missing("iss")),
        _ => {}
    }
    check_kind(&claims, form)?;
    // RFC 8705 §3, RFC 9449 §7.1: whoever stole a bound token must not get by without the key.
    if claims.contains_key("cnf") {
        return Err(AccessTokenError::Bound);
    }
    let audience = audience(&claims, &rules.audience)?;
    let subject = strict_string(&claims, "sub")?.ok_or(AccessTokenError::Missing("sub"))?;
    if !is_subject(subject) {
        return Err(AccessTokenError::SubjectMalformed);
    }
    let subject = subject.to_owned();
    let (expires_at, issued_at) = times(&claims, form, rules.leeway, now)?;
    let client_id = client_id(&claims, form)?;
    let token_id = short_text(&claims, "jti", MAX_TEXT_BYTES)?;
    if form == Form::AtJwt && token_id.is_none() {
        return Err(AccessTokenError::Missing("jti"));
    }
    let auth_time = numeric_date(&claims, "auth_time")?;
    if auth_time.is_some_and(|time| time > now.saturating_add(rules.leeway)) {
        return Err(AccessTokenError::AuthenticatedInFuture);
    }
    // Read by an accessor later; a wrong type is refused here so that it cannot be taken for absence.
    short_text(&claims, "acr", MAX_TEXT_BYTES)?;
    let subject_kind = subject_kind(&claims, &subject, client_id.as_deref())?;
    if !rules.clients.is_empty() && !client_id.as_ref().is_some_and(|client| rules.clients.contains(client)) {
        return Err(AccessTokenError::ClientRefused);
    }
    if !rules.subject_kinds.is_empty() && !rules.subject_kinds.contains(&subject_kind) {
        return Err(AccessTokenError::SubjectKindRefused);
    }
    Ok(VerifiedAccessToken {
        issuer: rules.issuer.clone(),
        subject,
        client_id,
        subject_kind,
        scopes: scopes(&claims)?,
        audience,
        expires_at,
        issued_at,
        auth_time,
        key_id,
        claims,
    })
}

/// Tells an access token from the other tokens of its issuer where the header does not.
fn check_kind(claims: &Map<String, Value>, form: Form) -> Result<(), AccessTokenError> {
    if form == Form::AtJwt {
        return Ok(());
    }
    if ID_TOKEN_CLAIMS.iter().any(|name| claims.contains_key(*name)) {
        return Err(AccessTokenError::IsIdToken);
    }
    if claims.contains_key("events") {
        return Err(AccessTokenError::IsLogoutToken);
    }
    // Some providers say the kind in a claim: those values say "access token", any other says another kind.
    let mut said = false;
    for (name, accepted) in [
        ("typ", &["bearer", "jwt", "at+jwt"][..]),
        ("token_use", &["access", "access_token"]),
        ("token_type", &["bearer", "access_token"]),
    ] {
        if let Some(kind) = strict_string(claims, name)? {
            if !accepted.iter().any(|accepted| kind.eq_ignore_ascii_case(accepted)) {
                return Err(AccessTokenError::OtherKind);
            }
            said = true;
        }
    }
    let named = ["client_id", "azp", "scope", "scp"]
        .iter()
        .any(|name| claims.contains_key(*name));
    let is_access_token = match form {
        Form::AtJwt => true,
        Form::PlainJwt => named,
        // An introspection endpoint knows refresh tokens, too (RFC 7662 §4); they are addressed to nobody.
        Form::Introspected => said || claims.contains_key("aud"),
    };
    match is_access_token {
        true => Ok(()),
        false => Err(AccessTokenError::OtherKind),
    }
}

fn audience(claims: &Map<String, Value>, rule: &AudienceRule) -> Result<Vec<String>, AccessTokenError> {
    let named = match claims.get("aud") {
        None => None,
        Some(Value::Array(list)) => Some(list.as_slice()),
        Some(single @ Value::String(_)) => Some(std::slice::from_ref(single)),
        Some(_) => return Err(AccessTokenError::WrongType("aud")),
    };
    let (named, ours) = match (named, rule) {
        (None, AudienceRule::NoAudience) => return Ok(Vec::new()),
        (Some(_), AudienceRule::NoAudience) => return Err(AccessTokenError::AudienceUnexpected),
        (None, AudienceRule::AnyOf(_)) => return Err(AccessTokenError::Missing("aud")),
        (Some(named), AudienceRule::AnyOf(ours)) => (named, ours),
    };
    if named.len() > MAX_AUDIENCES || !named.iter().all(Value::is_string) {
        return Err(AccessTokenError::WrongType("aud"));
    }
    let named: Vec<String> = named.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match named.iter().any(|audience| ours.as_slice().contains(audience)) {
        true => Ok(named),
        false => Err(AccessTokenError::AudienceMismatch),
    }
}

fn times(
    claims: &Map<String, Value>,
    form: Form,
    leeway: Duration,
    now: UnixTime,
) -> Result<(UnixTime, Option<UnixTime>), AccessTokenError> {
    let expires_at = match numeric_date(claims, "exp")? {
        Some(expires_at) if now >= expires_at.saturating_add(leeway) => return Err(AccessTokenError::Expired),
        Some(expires_at) => expires_at,
        // RFC 7662 §2.2: optional there, since the endpoint has said that the token is active now.
        None if form == Form::Introspected => now.saturating_add(UNSAID_LIFETIME),
        None => return Err(AccessTokenError::Missing("exp")),
    };
    if numeric_date(claims, "nbf")?.is_some_and(|not_before| not_before > now.saturating_add(leeway)) {
        return Err(AccessTokenError::NotYetValid);
    }
    match numeric_date(claims, "iat")? {
        Some(issued_at) if issued_at > now.saturating_add(leeway) => Err(AccessTokenError::IssuedInFuture),
        Some(issued_at) if now.saturating_since(issued_at) > MAX_ACCESS_TOKEN_AGE => Err(AccessTokenError::TooOld),
        None if form == Form::AtJwt => Err(AccessTokenError::Missing("iat")),
        issued_at => Ok((expires_at, issued_at)),
    }
}

fn client_id(claims: &Map<String, Value>, form: Form) -> Result<Option<String>, AccessTokenError> {
    let mut client_id = short_text(claims, "client_id", MAX_CLIENT_BYTES)?;
    if form == Form::AtJwt && client_id.is_none() {
        return Err(AccessTokenError::Missing("client_id"));
    }
    for name in ["azp", "cid"] {
        client_id = client_id.or(short_text(claims, name, MAX_CLIENT_BYTES)?);
    }
    Ok(client_id.map(str::to_owned))
}

/// Tells users from machines: `sub_kind`, else a claim by which a provider marks a client's own token, else `sub` itself
/// (RFC 9068 §5: a client's own token has the client as subject).
fn subject_kind(
    claims: &Map<String, Value>,
    subject: &str,
    client_id: Option<&str>,
) -> Result<SubjectKind, AccessTokenError> {
    if let Some(kind) = strict_string(claims, "sub_kind")? {
        return Ok(SubjectKind::from_claim(kind));
    }
    let is_marked = |name, mark| Ok::<_, AccessTokenError>(strict_string(claims, name)? == Some(mark));
    if client_id == Some(subject) || is_marked("gty", "client-credentials")? || is_marked("idtyp", "app")? {
        Ok(SubjectKind::Client)
    } else {
        Ok(SubjectKind::User)
    }
}

fn scopes(claims: &Map<String, Value>) -> Result<Vec<String>, AccessTokenError> {
    let words: Vec<&str> = match (strict_string(claims, "scope")?, claims.get("scp")) {
        (Some(text), _) => text.split(' ').collect(),
        (None, None) => Vec::new(),
        (None, Some(Value::String(text))) => text.split(' ').collect(),
        (None, Some(Value::Array(list))) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect()
        }
        (None, Some(_)) => return Err(AccessTokenError::WrongType("scp")),
    };
    let fits = |word: &&str| (1..=MAX_SCOPE_BYTES).contains(&word.len()) && word.bytes().all(is_scope_byte);
    Ok(words
        .into_iter()
        .filter(fits)
        .take(MAX_SCOPES)
        .map(str::to_owned)
        .collect())
}

/// RFC 6749 §3.3.
fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

fn short_text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
    max_bytes: usize,
) -> Result<Option<&'a str>, AccessTokenError> {
    match strict_string(claims, name)? {
        Some(text) if text.is_empty() || text.len() > max_bytes => Err(AccessTokenError::WrongType(name)),
        text => Ok(text),
    }
}
