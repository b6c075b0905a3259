//! The user as the platform describes them.
//!
//! The rules, in the order applied: `sub`, `tnt_id`, `app_id` and `idp_name` are there and not empty, the first three of visible
//! ASCII; every further claim read has its defined type, where `null` counts as absent, and at most 4 KB; a role has an ID and a
//! name, and what follows the 256th is dropped. Members that are not read are ignored.

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::WristbandUserInfoError;
use crate::fields::{self, WrongType};
use crate::userinfo::UserInfo;

const MAX_ID_BYTES: usize = 255;
const MAX_TEXT_BYTES: usize = 4 * 1024;
const MAX_ROLES: usize = 256;

/// A user of the platform.
///
/// Serialized, the members have the names of the platform's own SDKs: `userId`, `fullName`, `timeZone` and so on.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WristbandUserInfo {
    /// `sub`.
    pub user_id: String,
    /// `tnt_id`.
    pub tenant_id: String,
    /// `app_id`.
    pub application_id: String,
    /// `idp_name`: `Wristband` for a password and the platform's other own ways.
    pub identity_provider_name: String,
    /// `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// `given_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// `family_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// `middle_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// `nickname`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// `preferred_username`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `picture`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// `gender`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `birthdate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// `locale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// `zoneinfo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// `updated_at`, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<u64>,
    /// `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `email_verified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// `phone_number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// `phone_number_verified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// `roles`, if the scope `roles` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<WristbandRole>>,
    /// `custom_claims`, if the application has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_claims: Option<Map<String, Value>>,
}

/// A role of a user.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct WristbandRole {
    /// The role's ID.
    pub id: String,
    /// The role's name, such as `app:shop:admin`: the one to decide by.
    pub name: String,
    /// The name for people: `display_name`, else `displayName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

impl WristbandUserInfo {
    /// Reads the user out of userinfo that is about the subject of a verified ID token.
    ///
    /// # Errors
    /// [`WristbandUserInfoError::Missing`] for a required claim that is absent or empty,
    /// [`WristbandUserInfoError::WrongType`] and [`WristbandUserInfoError::Malformed`] for one that is not as defined.
    pub fn of(userinfo: &UserInfo) -> Result<Self, WristbandUserInfoError> {
        let claims = userinfo.claims();
        let text = |name| text(claims, name);
        Ok(Self {
            user_id: id(claims, "sub")?,
            tenant_id: id(claims, "tnt_id")?,
            application_id: id(claims, "app_id")?,
            identity_provider_name: text("idp_name")?.ok_or(WristbandUserInfoError::Missing("idp_name"))?,
            full_name: text("name")?,
            given_name: text("given_name")?,
            family_name: text("family_name")?,
            middle_name: text("middle_name")?,
            nickname: text("nickname")?,
            display_name: text("preferred_username")?,
            picture_url: text("picture")?,
            gender: text("gender")?,
            birthdate: text("birthdate")?,
            locale: text("locale")?,
            time_zone: text("zoneinfo")?,
            updated_at: seconds(claims, "updated_at")?,
            email: text("email")?,
            email_verified: boolean(claims, "email_verified")?,
            phone_number: text("phone_number")?,
            phone_number_verified: boolean(claims, "phone_number_verified")?,
            roles: roles(claims)?,
            custom_claims: object(claims, "custom_claims")?,
        })
    }
}

/// IDs only; the rest is about a person.
impl std::fmt::Debug for WristbandUserInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WristbandUserInfo")
            .field("user_id", &self.user_id)
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

/// Tells whether a text is an ID of the platform: 1 to 255 visible ASCII characters.
pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn id(claims: &Map<String, Value>, name: &'static str) -> Result<String, WristbandUserInfoError> {
    let id = text(claims, name)?.ok_or(WristbandUserInfoError::Missing(name))?;
    if is_id(&id) {
        Ok(id)
    } else {
        Err(WristbandUserInfoError::Malformed(name))
    }
}

/// Returns a text; empty counts as absent.
fn text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, WristbandUserInfoError> {
    match fields::string(claims, name)?.filter(|text| !text.is_empty()) {
        Some(text) if text.len() > MAX_TEXT_BYTES => Err(WristbandUserInfoError::Malformed(name)),
        text => Ok(text.map(str::to_owned)),
    }
}

fn boolean(claims: &Map<String, Value>, name: &'static str) -> Result<Option<bool>, WrongType> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(WrongType(name)),
    }
}

fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, WrongType> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(WrongType(name)),
    }
}

fn object(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Map<String, Value>>, WrongType> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(WrongType(name)),
    }
}

fn roles(claims: &Map<String, Value>) -> Result<Option<Vec<WristbandRole>>, WristbandUserInfoError> {
    let list = match claims.get("roles") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(WristbandUserInfoError::WrongType("roles")),
    };
    let wrong = |_| WristbandUserInfoError::WrongType("roles");
    let role = |value: &Value| {
        let role = value.as_object().ok_or(WristbandUserInfoError::WrongType("roles"))?;
        let required = |name| {
            let value = text(role, name).map_err(wrong)?;
            value.ok_or(WristbandUserInfoError::WrongType("roles"))
        };
        let display_name = text(role, "display_name").map_err(wrong)?;
        Ok(WristbandRole {
            id: required("id")?,
            name: required("name")?,
            display_name: match display_name {
                None => text(role, "displayName").map_err(wrong)?,
                named => named,
            },
        })
    };
    list.iter()
        .take(MAX_ROLES)
        .map(role)
        .collect::<Result<_, _>>()
        .map(Some)
}
