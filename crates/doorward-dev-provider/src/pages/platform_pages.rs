//! The pages of the platform's hosts.

use std::fmt::Write as _;

use axum::{http::StatusCode, response::Response};

use super::{escape, page, push_hidden};
use crate::{
    params::Params,
    platform::{LOGIN, PlatformInfo},
};

/// Asks for the tenant, by name or by the address of a user.
pub(crate) fn choose_tenant(tenants: &[&str], params: &Params, unknown_email: Option<&str>) -> Response {
    let mut body = String::with_capacity(4 * 1024);
    body.push_str("<p class=\"lead\">The application has to know before you can sign in.</p>");
    if let Some(email) = unknown_email {
        let shown: String = email.chars().take(80).collect();
        let _ = write!(
            body,
            "<p class=\"notice\">There is no user called “{}” here.</p>",
            escape(&shown)
        );
    }
    let _ = write!(body, "<form action=\"{LOGIN}\">");
    push_hidden(&mut body, params, &["login_hint", "tenant_name"]);
    body.push_str("<ul class=\"users\">");
    for tenant in tenants {
        let tenant = escape(tenant);
        let initial: String = tenant.chars().take(1).flat_map(char::to_uppercase).collect();
        let _ = write!(
            body,
            "<li><button class=\"user\" name=\"tenant_name\" value=\"{tenant}\">\
             <span class=\"avatar\" aria-hidden=\"true\">{initial}</span>\
             <span class=\"who\"><span class=\"name\">{tenant}</span></span></button></li>"
        );
    }
    body.push_str("</ul></form>");
    let _ = write!(body, "<form class=\"asks\" action=\"{LOGIN}\">");
    push_hidden(&mut body, params, &["login_hint", "tenant_name"]);
    body.push_str(
        "<label class=\"field\">Or your email address\
         <input type=\"email\" name=\"login_hint\" autocomplete=\"email\" required></label>\
         <button class=\"quiet\">Continue</button></form>",
    );
    page(StatusCode::OK, "Which tenant are you of?", &body, None)
}

/// `GET /` at the application host: what there is.
pub(crate) fn platform_home(info: &PlatformInfo, client_id: &str) -> Response {
    let mut body = String::with_capacity(4 * 1024);
    let _ = write!(
        body,
        "<p class=\"lead\">The platform’s paths for the application <strong>{}</strong>.</p><ul class=\"users\">",
        escape(&info.application_host)
    );
    for tenant in &info.tenants {
        let _ = write!(
            body,
            "<li class=\"user\"><span class=\"who\"><span class=\"name\">{}</span> <span class=\"email\">{} or {}</span>\
             </span></li>",
            escape(&tenant.name),
            escape(&tenant.host),
            escape(&tenant.custom_domain)
        );
    }
    let _ = write!(
        body,
        "</ul><p class=\"note\"><a href=\"{LOGIN}?client_id={client}\">Login page</a> · \
         <a href=\"/.well-known/openid-configuration\">Metadata</a> · \
         <a href=\"/_control/stats\">Statistics</a></p>",
        client = escape(client_id)
    );
    page(StatusCode::OK, "Platform on this machine", &body, None)
}
