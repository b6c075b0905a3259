//! Parameters added to a URL that may have a query of its own.

use url::{Url, form_urlencoded};

/// Adds parameters, all encoded; the URL's own pieces stay as they are written, but for those of the same names.
pub(super) fn with_parameters(url: &Url, sent: &[(&str, &str)]) -> String {
    let mut url = url.clone();
    let own = url.query().unwrap_or_default().to_owned();
    // A parameter that occurs twice is read one way by one party and another way by the other.
    let kept = own.split('&').filter(|piece| {
        let name = form_urlencoded::parse(piece.as_bytes()).next().map(|(name, _)| name);
        name.is_some_and(|name| !sent.iter().any(|(set, _)| *set == name))
    });
    let mut query = kept.collect::<Vec<_>>().join("&");
    if !query.is_empty() && !sent.is_empty() {
        query.push('&');
    }
    let start = query.len();
    query = form_urlencoded::Serializer::for_suffix(query, start)
        .extend_pairs(sent)
        .finish();
    url.set_query((!query.is_empty()).then_some(&*query));
    url.into()
}
