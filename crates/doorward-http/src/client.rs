//! The outbound port on reqwest.

use bytes::{Bytes, BytesMut};
use doorward_core::ports::{BoxFuture, Fetch, FetchError, Fetched};
use doorward_core::{OutboundRequest, Reach};
use reqwest::{Client, Response};
use url::Url;

use crate::address::admits;
use crate::builder::{HttpClientBuilder, HttpClientError};
use crate::fault::classify;

/// Sends requests to providers; clones share their connections.
///
/// - No redirect is followed: a 3xx is an answer.
/// - Environment variables such as `HTTPS_PROXY` are ignored: a proxy would resolve names in our place and so undo the
///   refusal of private addresses.
/// - No cookies, no referrer, no retries; nothing is compressed and nothing decompressed.
/// - A connection stands within 2 s and an exchange ends within 10 s.
/// - At most the request's own limit of body bytes is read, whatever `Content-Length` says.
/// - https with checked certificates; http only where [`Reach::Any`] says that the host is the issuer's own.
/// - With [`Reach::PublicOnly`] the resolver drops every address that is not public.
///
/// # Example
/// ```
/// use doorward_http::HttpClient;
///
/// let client = HttpClient::new()?;
/// # drop(client);
/// # Ok::<(), doorward_http::HttpClientError>(())
/// ```
///
/// # Security
/// What comes back is under the control of whoever answers; nothing of it has been judged.
#[derive(Clone, Debug)]
pub struct HttpClient {
    any: Client,
    public_only: Client,
}

impl HttpClient {
    /// Makes a client with the limits above, trusting the system's certificate authorities.
    ///
    /// # Errors
    /// [`HttpClientError::Tls`] if TLS cannot be set up.
    pub fn new() -> Result<Self, HttpClientError> {
        Self::builder().build()
    }

    /// Begins to set up a client.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::default()
    }

    pub(crate) fn of(any: Client, public_only: Client) -> Self {
        Self { any, public_only }
    }

    async fn exchange(self, outbound: OutboundRequest) -> Result<Fetched, FetchError> {
        let limit = outbound.max_response_bytes;
        let reach = outbound.reach;
        // The URL is judged as the connecting library reads it, not as it was written.
        let url: Url = outbound
            .request
            .uri()
            .to_string()
            .parse()
            .map_err(|_| FetchError::AddressRefused)?;
        if !admits(&url, reach) {
            return Err(FetchError::AddressRefused);
        }
        let client = match reach {
            Reach::Any => &self.any,
            Reach::PublicOnly => &self.public_only,
        };
        let (parts, body) = outbound.request.into_parts();
        let request = client.request(parts.method, url).headers(parts.headers).body(body);
        let response = request.send().await.map_err(|error| classify(&error))?;
        let status = response.status();
        let remote = response.remote_addr().map(|address| address.ip());
        let headers = response.headers().clone();
        let body = read(response, limit).await?;
        Ok(Fetched {
            status,
            headers,
            body,
            remote,
        })
    }
}

/// Reads a body of at most `limit` bytes, chunk by chunk.
async fn read(mut response: Response, limit: usize) -> Result<Bytes, FetchError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(FetchError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        // Security: `Content-Length` may be absent or understate what comes.
        if chunk.len() > limit - body.len() {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl Fetch for HttpClient {
    fn fetch(&self, request: OutboundRequest) -> BoxFuture<'static, Result<Fetched, FetchError>> {
        let client = self.clone();
        Box::pin(async move {
            let label = request.label;
            let answer = client.exchange(request).await;
            match &answer {
                Ok(fetched) => tracing::debug!(label, status = fetched.status.as_u16(), "provider answered"),
                Err(error) => tracing::debug!(label, %error, "provider did not answer"),
            }
            answer
        })
    }
}
