//! The sealed form of a login ticket: a version byte, then postcard.

use doorward_crypto::SecretString;
use doorward_oidc::{PendingAuthorization, UnixTime};
use serde::{Deserialize, Serialize};

use super::LoginTicket;
use crate::{
    session::{SessionHandle, SessionId},
    tenant::{HostName, TenantId, TenantName},
};

const VERSION: u8 = 4;

#[derive(Serialize, Deserialize)]
struct Wire<P, T> {
    pending: P,
    provider: T,
    tenant: Option<TenantId>,
    tenant_name: Option<TenantName>,
    tenant_custom_domain: Option<HostName>,
    host: T,
    return_url: T,
    carried: Vec<(T, T)>,
    created_at: UnixTime,
    restarts: u8,
    session_at_start: Option<SessionId>,
    handle_at_start: Option<SessionHandle>,
    prompt_none: bool,
    is_step_up: bool,
}

pub(super) fn write(ticket: &LoginTicket) -> Option<Vec<u8>> {
    let wire: Wire<&PendingAuthorization, &str> = Wire {
        pending: &ticket.pending,
        provider: &ticket.provider,
        tenant: ticket.tenant.clone(),
        tenant_name: ticket.tenant_name.clone(),
        tenant_custom_domain: ticket.tenant_custom_domain.clone(),
        host: &ticket.host,
        return_url: &ticket.return_url,
        carried: ticket
            .carried
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
        created_at: ticket.created_at,
        restarts: ticket.restarts,
        session_at_start: ticket.session_at_start,
        handle_at_start: ticket.handle_at_start.clone(),
        prompt_none: ticket.prompt_none,
        is_step_up: ticket.is_step_up,
    };
    postcard::to_extend(&wire, vec![VERSION]).ok()
}

pub(super) fn read(plain: &[u8]) -> Option<LoginTicket> {
    let (&VERSION, rest) = plain.split_first()? else {
        return None;
    };
    let wire: Wire<PendingAuthorization, String> = postcard::from_bytes(rest).ok()?;
    Some(LoginTicket {
        pending: wire.pending,
        provider: wire.provider,
        tenant: wire.tenant,
        tenant_name: wire.tenant_name,
        tenant_custom_domain: wire.tenant_custom_domain,
        host: wire.host,
        return_url: wire.return_url,
        carried: wire.carried,
        created_at: wire.created_at,
        restarts: wire.restarts,
        session_at_start: wire.session_at_start,
        handle_at_start: wire.handle_at_start,
        prompt_none: wire.prompt_none,
        is_step_up: wire.is_step_up,
    })
}

/// Returns the `state` of a pending authorization, which names its cookie.
///
/// The protocol's half shows its secrets to nobody but a serializer, and the state is what it writes first.
pub(super) fn state_of(pending: &PendingAuthorization) -> Option<SecretString> {
    let written = postcard::to_allocvec(pending).ok()?;
    let (state, _) = postcard::take_from_bytes::<SecretString>(&written).ok()?;
    // Should the order of fields ever change, no ticket is sealed rather than one that no callback finds.
    pending.state_matches(state.expose()).then_some(state)
}
