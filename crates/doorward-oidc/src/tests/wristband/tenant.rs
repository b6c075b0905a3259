//! Which tenant verified claims speak of.

use serde_json::{Map, Value, json};

use super::*;
use crate::ClaimSources;
use crate::wristband::{VerifiedTenant, VerifiedTenantError};

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn tenant(
    config: &ResolvedConfig,
    id_token: &Value,
    userinfo: &Value,
    access_token: &Value,
) -> Result<(String, Option<String>), VerifiedTenantError> {
    let (id_token, userinfo) = (map(id_token), map(userinfo));
    let sources = ClaimSources {
        id_token: &id_token,
        userinfo: Some(&userinfo),
        access_token: Some(map(access_token)),
    };
    let tenant = VerifiedTenant::of(config, &sources)?;
    Ok((tenant.id().to_owned(), tenant.name().map(ToString::to_string)))
}

#[test]
fn tenant_comes_from_verified_claims_and_all_of_them_agree() {
    use VerifiedTenantError::{Contradiction, Malformed, Missing};
    let config = resolved(by_hand());
    let domain = "globex-shop-acme.us.wristband.dev";
    let (none, t1) = (json!({}), json!({"tnt_id": "t1"}));
    let named = json!({"tnt_id": "t1", "tnt_name": "globex"});
    let found = |name: Option<&str>| Ok(("t1".to_owned(), name.map(str::to_owned)));
    for (id_token, userinfo, access_token, expected) in [
        (&t1, &none, &none, found(None)),
        (&none, &t1, &none, found(None)),
        (&t1, &t1, &t1, found(None)),
        (&named, &t1, &none, found(Some("globex"))),
        (&t1, &named, &none, found(Some("globex"))),
        (&t1, &t1, &json!({"van_dom": domain}), found(Some("globex"))),
        (
            &t1,
            &t1,
            &json!({"van_dom": "GLOBEX-shop-acme.us.wristband.dev"}),
            found(Some("globex")),
        ),
        (&named, &t1, &json!({"van_dom": domain}), found(Some("globex"))),
        // Not this application's hosts, or not in the form in use: no name, and no error.
        (
            &t1,
            &t1,
            &json!({"van_dom": "globex.shop-acme.us.wristband.dev"}),
            found(None),
        ),
        (&t1, &t1, &json!({"van_dom": "globex-evil.test"}), found(None)),
        (&t1, &t1, &json!({"van_dom": VANITY}), found(None)),
        (&t1, &t1, &json!({"van_dom": format!("-{VANITY}")}), found(None)),
        (&t1, &t1, &json!({"van_dom": format!("a/-{VANITY}")}), found(None)),
        (
            &t1,
            &t1,
            &json!({"van_dom": format!("{domain}.evil.test")}),
            found(None),
        ),
        (
            &json!({"tnt_id": "t1", "tnt_name": "Globex Inc."}),
            &t1,
            &none,
            found(None),
        ),
        (&none, &none, &none, Err(Missing)),
        (&none, &none, &t1, Err(Missing)),
        (&json!({"tnt_id": null}), &none, &none, Err(Missing)),
        (&json!({"tnt_id": 1}), &t1, &none, Err(Malformed("tnt_id"))),
        (&json!({"tnt_id": ""}), &t1, &none, Err(Malformed("tnt_id"))),
        (&json!({"tnt_id": "a b"}), &t1, &none, Err(Malformed("tnt_id"))),
        (
            &json!({"tnt_id": "t1", "tnt_name": 1}),
            &t1,
            &none,
            Err(Malformed("tnt_name")),
        ),
        // attacks: D42
        (&t1, &json!({"tnt_id": "t2"}), &none, Err(Contradiction("tnt_id"))),
        (&t1, &t1, &json!({"tnt_id": "t2"}), Err(Contradiction("tnt_id"))),
        (
            &named,
            &json!({"tnt_name": "acme"}),
            &none,
            Err(Contradiction("tnt_name")),
        ),
        (
            &named,
            &t1,
            &json!({"van_dom": format!("acme-{VANITY}")}),
            Err(Contradiction("van_dom")),
        ),
    ] {
        assert_eq!(
            tenant(&config, id_token, userinfo, access_token),
            expected,
            "{id_token} {userinfo} {access_token}"
        );
    }
}

#[test]
fn tenant_name_of_the_callback_query_never_names_the_tenant() {
    // weakness: L2
    // `VerifiedTenant::of` takes claims and nothing of the request: whatever the browser claims, the name is the token's.
    let config = resolved(by_hand());
    let t1 = json!({"tnt_id": "t1", "tnt_name": "globex", "tenant_name": "acme", "tenant_custom_domain": "evil.test"});
    let found = tenant(&config, &t1, &json!({"tenant_name": "acme"}), &json!({}));
    assert_eq!(found, Ok(("t1".to_owned(), Some("globex".to_owned()))));
}

#[test]
fn tenant_of_a_domain_is_read_with_the_separator_in_use() {
    let config = resolved(by_hand().application_custom_domain_active(true));
    let t1 = json!({"tnt_id": "t1"});
    for (domain, expected) in [
        (format!("globex.{VANITY}"), Some("globex".to_owned())),
        (format!("globex-{VANITY}"), None),
        (format!("a.b.{VANITY}"), None),
        (format!("evil{VANITY}"), None),
    ] {
        let found = tenant(&config, &t1, &json!({}), &json!({ "van_dom": domain }));
        assert_eq!(found, Ok(("t1".to_owned(), expected)), "{domain}");
    }
}
