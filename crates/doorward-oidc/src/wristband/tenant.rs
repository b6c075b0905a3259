//! Which tenant verified claims speak of.
//!
//! The rules, in the order applied: `tnt_id` is in the ID token or in userinfo, and wherever it is, in the access token too, it is
//! the same one; the name is `tnt_name`, else what stands before the application's vanity domain in `van_dom`; where several of
//! these name a tenant they name the same one. A name that is no DNS label counts as absent: the ID decides, the name is for
//! building a host.

use serde_json::{Map, Value};

use super::error::VerifiedTenantError;
use super::host::TenantLabel;
use super::resolved::ResolvedConfig;
use super::userinfo::is_id;
use crate::claims::ClaimSources;

/// The tenant a login led to. Only [`of`](Self::of) makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedTenant {
    id: String,
    name: Option<TenantLabel>,
}

impl VerifiedTenant {
    /// Reads the tenant out of claims that were verified, or came from the token endpoint beside one that was.
    ///
    /// # Errors
    /// [`VerifiedTenantError::Missing`] without `tnt_id`, [`VerifiedTenantError::Malformed`] for a claim that is no text,
    /// [`VerifiedTenantError::Contradiction`] where two answers name different tenants.
    ///
    /// # Security
    /// Nothing here comes from the browser: `tenant_name` and `tenant_custom_domain` of the callback's query are not claims, and
    /// there is no parameter to hand them in by.
    pub fn of(config: &ResolvedConfig, sources: &ClaimSources<'_>) -> Result<Self, VerifiedTenantError> {
        let vouched = [Some(sources.id_token), sources.userinfo];
        let all = [Some(sources.id_token), sources.userinfo, sources.access_token.as_ref()];
        let id = agreed(vouched.into_iter().flatten(), "tnt_id", known_id)?.ok_or(VerifiedTenantError::Missing)?;
        if agreed(all.into_iter().flatten(), "tnt_id", known_id)?.is_some_and(|named| named != id) {
            return Err(VerifiedTenantError::Contradiction("tnt_id"));
        }
        let label = |text: &str| Ok(TenantLabel::parse(text).ok());
        let by_name = agreed(all.into_iter().flatten(), "tnt_name", label)?;
        let by_domain = agreed(all.into_iter().flatten(), "van_dom", |text| {
            Ok(tenant_of_domain(config, text))
        })?;
        let name = match (by_name, by_domain) {
            (Some(name), Some(other)) if name != other => {
                return Err(VerifiedTenantError::Contradiction("van_dom"));
            }
            (name, other) => name.or(other),
        };
        Ok(Self { id, name })
    }

    /// Returns the tenant's ID (`tnt_id`), exactly as the platform spells it. The one to decide by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the tenant's name, if the claims tell it.
    #[must_use]
    pub fn name(&self) -> Option<&TenantLabel> {
        self.name.as_ref()
    }
}

/// Reads a claim wherever it is; all places must say the same.
fn agreed<'a, T: PartialEq>(
    sources: impl Iterator<Item = &'a Map<String, Value>>,
    name: &'static str,
    read: impl Fn(&str) -> Result<Option<T>, VerifiedTenantError>,
) -> Result<Option<T>, VerifiedTenantError> {
    let mut found = None;
    for source in sources {
        let value = match source.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => read(text)?,
            Some(_) => return Err(VerifiedTenantError::Malformed(name)),
        };
        match (&found, value) {
            (Some(earlier), Some(value)) if *earlier != value => {
                return Err(VerifiedTenantError::Contradiction(name));
            }
            (None, Some(value)) => found = Some(value),
            _ => {}
        }
    }
    Ok(found)
}

fn known_id(text: &str) -> Result<Option<String>, VerifiedTenantError> {
    if is_id(text) {
        Ok(Some(text.to_owned()))
    } else {
        Err(VerifiedTenantError::Malformed("tnt_id"))
    }
}

/// Returns what stands before separator and vanity domain, if that is all there is.
fn tenant_of_domain(config: &ResolvedConfig, domain: &str) -> Option<TenantLabel> {
    let domain = domain.to_ascii_lowercase();
    let before = domain.strip_suffix(config.platform().host())?;
    TenantLabel::parse(before.strip_suffix(config.separator().as_char())?).ok()
}
