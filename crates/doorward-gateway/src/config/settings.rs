//! What the file says, as the builder takes it; judged by building.
//!
//! The builder stops at the first setting that cannot be used. So that one run names them all, a setting at fault is told,
//! left out and building is tried again: every round takes one setting away, so there is an end.

use std::time::Duration;

use doorward::{BearerTokens, BuildError, Builder, Doorward, MemoryStore, Provider, SameSite, Sessions, Tenant};

use super::findings::Findings;
use super::provider::{NamedProvider, with};
use super::secrets::SecretText;
use super::tables::stand_in_secret;
use crate::failure::chain;
use crate::stores::Store;

/// Where sessions live.
#[derive(Debug, Clone, Default)]
pub(super) enum Place {
    #[default]
    Cookie,
    Memory,
    Store(Store),
}

/// The settings that [`Builder`] takes; `None` is the default.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) public_url: Option<String>,
    pub(super) public_url_without_tenant: Option<String>,
    pub(super) app_origins: Vec<String>,
    pub(super) providers: Vec<NamedProvider>,
    pub(super) secrets: Vec<SecretText>,
    pub(super) place: Place,
    pub(super) serve_stale: Option<Duration>,
    pub(super) max_per_user: Option<usize>,
    /// Where what was ended is remembered, for sessions in cookies; never in cookies itself.
    pub(super) revocation_place: Option<Place>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) absolute_timeout: Option<Duration>,
    pub(super) outlive_access_token: bool,
    pub(super) same_site: Option<SameSite>,
    pub(super) cookie_domain: Option<String>,
    pub(super) cookie_name: Option<String>,
    pub(super) csrf_cookie_name: Option<String>,
    pub(super) csrf_header_name: Option<String>,
    pub(super) base_path: Option<String>,
    pub(super) token_endpoint: bool,
    pub(super) backchannel_logout: bool,
    pub(super) frontchannel_logout: bool,
    pub(super) default_return_url: Option<String>,
    pub(super) post_logout_url: Option<String>,
    pub(super) bearer: Option<BearerTokens>,
    pub(super) tenants: Vec<(String, Tenant)>,
    stand_ins: StandIns,
}

/// What was put in the place of something at fault.
#[derive(Default)]
struct StandIns {
    secret: bool,
    providers: bool,
}

impl Settings {
    /// Judges everything; `None` where anything was at fault in here.
    pub(super) fn judge(mut self, base: &Builder, findings: &Findings) -> Option<Doorward> {
        self.judge_each(findings);
        loop {
            let error = match self.builder(base.clone())?.build() {
                Ok(auth) => return Some(auth),
                Err(error) => error,
            };
            if !findings.is_told(error.key()) {
                findings.refuse(error.key(), problem(&error));
            }
            if !self.leave_out(error.key()) {
                return None;
            }
        }
    }

    /// Judges providers and tenants one by one, so that each fault names its own.
    fn judge_each(&mut self, findings: &Findings) {
        let tell = |own: &str, error: &BuildError| {
            let key = own_key(own, error.key());
            if !findings.is_told(&key) {
                findings.refuse(key, problem(error));
            }
        };
        for named in &mut self.providers {
            if let Some(Err(error)) = named.provider.as_ref().map(Provider::check) {
                tell(&named.key, &error);
                named.provider = None;
            }
        }
        self.tenants.retain(|(key, tenant)| match tenant.check() {
            Ok(()) => true,
            Err(error) => {
                tell(key, &error);
                false
            }
        });
    }

    /// The builder with these settings; `None` where the system gives no randomness for a stand-in.
    fn builder(&mut self, base: Builder) -> Option<Builder> {
        if self.secrets.is_empty() {
            self.secrets.push(stand_in_secret()?);
            self.stand_ins.secret = true;
        }
        let mut builder = base
            .token_endpoint(self.token_endpoint)
            .backchannel_logout(self.backchannel_logout)
            .frontchannel_logout(self.frontchannel_logout);
        builder = with(builder, self.public_url.clone(), Builder::public_url);
        builder = with(
            builder,
            self.public_url_without_tenant.clone(),
            Builder::public_url_without_tenant,
        );
        for origin in &self.app_origins {
            builder = builder.app_origin(origin);
        }
        if self.providers.is_empty() {
            builder = builder.provider(stand_in_provider(0));
        }
        for (index, named) in self.providers.iter().enumerate() {
            let provider = named.provider.clone().unwrap_or_else(|| stand_in_provider(index));
            builder = builder.named_provider(&named.name, provider);
        }
        builder = builder.session(self.sessions()?);
        builder = with(builder, self.base_path.clone(), Builder::base_path);
        builder = with(builder, self.default_return_url.clone(), Builder::default_return_url);
        builder = with(builder, self.post_logout_url.clone(), Builder::post_logout_url);
        builder = with(builder, self.bearer.clone(), Builder::bearer);
        Some(builder.tenants(self.tenants.iter().map(|(_, tenant)| tenant.clone())))
    }

    fn sessions(&self) -> Option<Sessions> {
        let (first, others) = self.secrets.split_first()?;
        let mut sessions = match &self.place {
            Place::Cookie => Sessions::cookie(first.clone()),
            Place::Memory => Sessions::memory(first.clone()),
            Place::Store(store) => store.sessions(vec![first.clone()]),
        };
        sessions = match &self.revocation_place {
            Some(Place::Memory) => sessions.revocation_store(MemoryStore::new()),
            Some(Place::Store(store)) => store.revocations(sessions),
            Some(Place::Cookie) | None => sessions,
        };
        for secret in others {
            sessions = sessions.also_open_with(secret.clone());
        }
        sessions = sessions.outlive_access_token(self.outlive_access_token);
        sessions = with(sessions, self.idle_timeout, Sessions::idle_timeout);
        sessions = with(sessions, self.absolute_timeout, Sessions::absolute_timeout);
        sessions = with(sessions, self.same_site, Sessions::same_site);
        sessions = with(sessions, self.cookie_domain.clone(), Sessions::cookie_domain);
        sessions = with(sessions, self.cookie_name.clone(), Sessions::cookie_name);
        sessions = with(sessions, self.serve_stale, Sessions::serve_stale);
        sessions = with(sessions, self.max_per_user, Sessions::max_per_user);
        sessions = with(sessions, self.csrf_cookie_name.clone(), Sessions::csrf_cookie_name);
        Some(with(
            sessions,
            self.csrf_header_name.clone(),
            Sessions::csrf_header_name,
        ))
    }

    /// Takes a setting away; `false` where nothing can be judged without it, or it is not there.
    fn leave_out(&mut self, key: &str) -> bool {
        match key {
            "server.app_origins" => !std::mem::take(&mut self.app_origins).is_empty(),
            "server.public_url_without_tenant" => self.public_url_without_tenant.take().is_some(),
            "session.secrets" if !self.stand_ins.secret => {
                self.secrets.clear();
                true
            }
            "session.idle_timeout" => self.idle_timeout.take().is_some(),
            "session.absolute_timeout" => self.absolute_timeout.take().is_some(),
            "session.same_site" => self.same_site.take().is_some(),
            "session.cookie_domain" => self.cookie_domain.take().is_some(),
            "session.cookie_name" => self.cookie_name.take().is_some(),
            "session.serve_stale" => self.serve_stale.take().is_some(),
            "session.max_per_user" => self.max_per_user.take().is_some(),
            "csrf.cookie_name" => self.csrf_cookie_name.take().is_some(),
            "csrf.header_name" => self.csrf_header_name.take().is_some(),
            "session.revocation_store" => self.revocation_place.take().is_some(),
            "auth.backchannel_logout" => std::mem::take(&mut self.backchannel_logout),
            "auth.frontchannel_logout" => std::mem::take(&mut self.frontchannel_logout),
            "auth.base_path" => self.base_path.take().is_some(),
            "auth.default_return_url" => self.default_return_url.take().is_some(),
            "auth.post_logout_url" => self.post_logout_url.take().is_some(),
            key if key.starts_with("bearer") => self.bearer.take().is_some(),
            key if key.starts_with("provider") => {
                for named in &mut self.providers {
                    named.provider = None;
                }
                !std::mem::replace(&mut self.stand_ins.providers, true)
            }
            _ => false,
        }
    }
}

/// `provider.issuer` of the builder is `providers[1].issuer` of the file.
fn own_key(own: &str, key: &str) -> String {
    match key.split_once('.') {
        Some((_, rest)) => format!("{own}.{rest}"),
        None => own.to_owned(),
    }
}

/// The error and its causes, without the key.
fn problem(error: &BuildError) -> String {
    let text = chain(error);
    let problem = text.strip_prefix(error.key()).and_then(|text| text.strip_prefix(": "));
    problem.unwrap_or(&text).to_owned()
}

fn stand_in_provider(index: usize) -> Provider {
    Provider::oidc(format!("https://provider-{index}.invalid"), "stand-in", "stand-in")
}
