//! Sessions and bearer tokens are two doors; a rule says which is open.

use std::sync::LazyLock;

use doorward_crypto::{Algorithm, KeySet, SecretString, SigningKey};
use doorward_oidc::{AccessTokenRules, AudienceRule, VerifiedAccessToken, access_token};
use serde_json::{Value, json};

use super::*;
use crate::policy::{BearerContext, SubjectKind};

const ISSUER: &str = "https://id.example.com";

/// A token of alice, with claims changed.
pub(super) fn token(patch: &Value) -> VerifiedAccessToken {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
    let mut claims = json!({
        "iss": ISSUER,
        "aud": "api",
        "sub": "alice",
        "client_id": "spa",
        "exp": at(300).seconds(),
        "iat": at(0).seconds(),
        "jti": "1",
        "scope": "openid orders:read",
        "auth_time": at(-5).seconds(),
        "acr": "urn:mfa",
    });
    let members = claims.as_object_mut().unwrap();
    for (name, value) in patch.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
        members.retain(|_, value| !value.is_null());
    }
    let raw = SecretString::new(KEY.sign("at+jwt", &claims).unwrap());
    let keys = KeySet::parse(json!({ "keys": [KEY.public_jwk()] }).to_string().as_bytes()).unwrap();
    let rules = AccessTokenRules::new(ISSUER, AudienceRule::any_of(["api"]).unwrap());
    access_token::verify(&raw, &keys, &rules, at(0)).unwrap()
}

pub(super) fn context() -> BearerContext {
    BearerContext {
        tenant: "acme".to_owned(),
        roles: vec!["admin".to_owned()],
    }
}

#[test]
fn session_is_never_accepted_for_a_bearer_token_nor_a_bearer_token_for_a_session() {
    let (alice, csrf) = session(&identity(1));
    let (token, context) = (token(&json!({})), context());
    let session = Caller::Session(&alice, &csrf);
    let bearer = Caller::Bearer(&token, &context);
    let nobody = Rule::Session.and(Rule::bearer());
    // Rule, whether it accepts a session and a token, and what it says to a session, a token, and nobody.
    let table = [
        (Rule::Public, (false, false), [Ok(()), Ok(()), Ok(())]),
        (
            Rule::Session,
            (true, false),
            [Ok(()), Err(Denied::SessionMissing), Err(Denied::SessionMissing)],
        ),
        (
            Rule::bearer(),
            (false, true),
            [Err(Denied::TokenMissing), Ok(()), Err(Denied::TokenMissing)],
        ),
        (
            Rule::session_or_bearer(),
            (true, true),
            [Ok(()), Ok(()), Err(Denied::SessionMissing)],
        ),
        (
            nobody,
            (false, false),
            [
                Err(Denied::RoleMissing),
                Err(Denied::RoleMissing),
                Err(Denied::SessionMissing),
            ],
        ),
    ];
    for (rule, accepts, expected) in table {
        assert_eq!((rule.accepts_session(), rule.accepts_bearer()), accepts, "{rule}");
        let met = [session, bearer, Caller::Anonymous].map(|caller| decided(&rule, caller, &TenantScope::Any));
        assert_eq!(met, expected, "{rule}");
    }
}

#[test]
fn rules_together_let_in_only_whom_each_lets_in() {
    let (session, bearer, both) = (Rule::Session, Rule::bearer(), Rule::session_or_bearer());
    let table = [
        (both.clone().and(session.clone()), (true, false)),
        (session.clone().and(both.clone()), (true, false)),
        (both.clone().and(bearer.clone()), (false, true)),
        (both.clone().and(both.clone()), (true, true)),
        (both.clone().and(Rule::Public), (true, true)),
        (Rule::Public.and(both.clone()), (true, true)),
        (Rule::Public.and(bearer.clone()), (false, true)),
        (both.clone().and(Rule::role("admin")), (true, false)),
        (bearer.clone().and(session.clone()).and(both.clone()), (false, false)),
        (bearer.clone().and(session).and(Rule::Public), (false, false)),
        (bearer.clone().with_role("admin"), (false, true)),
        (bearer.with_scope("a").with_acr(["b"]), (false, true)),
        (both.with_subject_kind(SubjectKind::User), (true, true)),
        (Rule::Public.with_clients(["spa"]), (false, true)),
        (Rule::Public.with_subject_kind(SubjectKind::User), (true, false)),
        (Rule::Public.or_bearer(), (false, true)),
        (Rule::role("admin").or_bearer(), (true, true)),
    ];
    for (rule, expected) in table {
        assert_eq!((rule.accepts_session(), rule.accepts_bearer()), expected, "{rule}");
        assert!(!rule.is_public(), "{rule}");
    }
}

#[test]
fn bearer_token_is_decided_by_the_table() {
    // attacks: I7
    let (alice, context) = (token(&json!({})), context());
    let insufficient = |scopes: &[&str]| Denied::InsufficientScope {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let any = Rule::bearer;
    let table = [
        (any().with_role("admin"), Ok(())),
        (any().with_role("Admin"), Err(Denied::RoleMissing)),
        (any().with_any_role(Vec::<String>::new()), Err(Denied::RoleMissing)),
        (any().with_scope("orders:read"), Ok(())),
        (any().with_scope("orders"), Err(insufficient(&["orders"]))),
        (any().with_scope("orders:read2"), Err(insufficient(&["orders:read2"]))),
        (
            any().with_scope("openid orders:read"),
            Err(insufficient(&["openid orders:read"])),
        ),
        (any().with_scope(""), Err(insufficient(&[""]))),
        (any().with_clients(["spa", "cli"]), Ok(())),
        (any().with_clients(["SPA"]), Err(Denied::ClientRefused)),
        (any().with_clients(Vec::<String>::new()), Err(Denied::ClientRefused)),
        (
            any().with_clients(["spa"]).with_clients(["cli"]),
            Err(Denied::ClientRefused),
        ),
        (any().with_subject_kind(SubjectKind::User), Ok(())),
        (
            any().with_subject_kind(SubjectKind::Client),
            Err(Denied::SubjectKindRefused),
        ),
        (
            any()
                .with_subject_kind(SubjectKind::User)
                .and(any().with_subject_kind(SubjectKind::Client)),
            Err(Denied::SubjectKindRefused),
        ),
        // The first demand that is not met is the one that is told.
        (any().with_role("owner").with_scope("x"), Err(Denied::RoleMissing)),
        (
            any().with_clients(["cli"]).with_role("owner"),
            Err(Denied::ClientRefused),
        ),
    ];
    for (rule, expected) in table {
        assert_eq!(
            decided(&rule, Caller::Bearer(&alice, &context), &TenantScope::Any),
            expected,
            "{rule}"
        );
    }
    let globex = TenantScope::One(TenantId::from_claim("globex").unwrap());
    let acme = TenantScope::One(TenantId::from_claim("acme").unwrap());
    let rule = any().with_clients(["cli"]);
    // attacks: I5: another tenant's token, before anything else is looked at.
    assert_eq!(
        decided(&rule, Caller::Bearer(&alice, &context), &globex),
        Err(Denied::TenantMismatch)
    );
    assert_eq!(decided(&any(), Caller::Bearer(&alice, &context), &acme), Ok(()));
}

#[test]
fn machine_never_passes_where_people_are_asked_for() {
    // weakness: J3
    let (alice, csrf) = session(&identity(1));
    let (context, machine) = (context(), token(&json!({"sub": "spa"})));
    let unknown = token(&json!({"sub_kind": "robot"}));
    for (kind, session_passes, machine_passes) in [(SubjectKind::User, true, false), (SubjectKind::Client, false, true)]
    {
        let rule = Rule::session_or_bearer().with_subject_kind(kind);
        let passes = |caller| decided(&rule, caller, &TenantScope::Any).is_ok();
        assert_eq!(passes(Caller::Session(&alice, &csrf)), session_passes, "{rule}");
        assert_eq!(passes(Caller::Bearer(&machine, &context)), machine_passes, "{rule}");
        assert!(!passes(Caller::Bearer(&unknown, &context)), "{rule}");
    }
    // Which client a token was issued to says nothing about sessions, which our own client began.
    let rule = Rule::session_or_bearer().with_clients(["cli"]);
    assert_eq!(
        decided(&rule, Caller::Session(&alice, &csrf), &TenantScope::Any),
        Ok(())
    );
}
