//! Who came back from the Wristband platform, and of which tenant.

use doorward_core::code::Code;
use doorward_core::tenant::TenantName;
use doorward_crypto::SecretString;
use doorward_oidc::wristband::{ResolvedConfig, VerifiedTenant, WristbandUserInfo};
use doorward_oidc::{UserInfo, VerifiedIdToken};

use crate::login_failure::{LoginFailure, with_source};
use crate::user_of_claims::sources;

/// A user of the platform, verified.
pub(crate) struct PlatformUser {
    pub(crate) info: WristbandUserInfo,
    pub(crate) tenant: VerifiedTenant,
}

impl PlatformUser {
    /// Reads the user out of userinfo, and the tenant out of all that was verified.
    ///
    /// # Errors
    /// [`LoginFailure`] without userinfo, and where the claims lack what the platform always says or contradict each other.
    pub(crate) fn of(
        resolved: &ResolvedConfig,
        id_token: &VerifiedIdToken,
        userinfo: Option<&UserInfo>,
        access_token: &SecretString,
    ) -> Result<Self, LoginFailure> {
        let invalid = |reason: String| LoginFailure::new(Code::ProviderResponseInvalid, reason);
        let answered = userinfo.ok_or_else(|| invalid("the platform answered no userinfo".into()))?;
        let info = WristbandUserInfo::of(answered).map_err(|error| invalid(with_source(&error)))?;
        let tenant = VerifiedTenant::of(resolved, &sources(id_token, userinfo, Some(access_token)))
            .map_err(|error| invalid(with_source(&error)))?;
        Ok(Self { info, tenant })
    }

    /// The tenant's name, where the claims tell it.
    pub(crate) fn tenant_name(&self) -> Option<TenantName> {
        TenantName::parse(self.tenant.name()?.as_str()).ok()
    }
}
