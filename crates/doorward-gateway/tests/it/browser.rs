//! A browser of a few lines: keeps cookies, follows redirects, says where a request comes from.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Url, redirect};
use serde_json::Value;

/// Cookies by name; like in a real browser, ports share them.
pub(crate) struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
    /// Every address visited, redirects included.
    pub(crate) visited: Vec<String>,
    /// Every `Set-Cookie` line received.
    pub(crate) set_cookies: Vec<String>,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("expected JSON, got {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            // The certificate of `--tls` is made on the spot.
            .danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Self {
            client,
            cookies: BTreeMap::new(),
            visited: Vec::new(),
            set_cookies: Vec::new(),
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Opens a page and follows its redirects.
    pub(crate) async fn visit(&mut self, url: &str) -> Page {
        let mut url = Url::parse(url).unwrap();
        for _ in 0..10 {
            let page = self.open(url.as_str()).await;
            match page.headers.get(LOCATION) {
                Some(location) => url = page.url.join(location.to_str().unwrap()).unwrap(),
                None => return page,
            }
        }
        panic!("more than ten redirects, the last to {url}");
    }

    /// Opens a page and stays there.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let fetch = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "none"),
        ];
        self.send(Method::GET, url, &fetch, None).await
    }

    /// Calls an endpoint as a script of the same origin does.
    pub(crate) async fn fetch(&mut self, method: Method, url: &str, more: &[(&str, &str)], body: Option<&str>) -> Page {
        let fetch = [
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(method, url, &[&fetch, more].concat(), body).await
    }

    pub(crate) async fn get(&mut self, url: &str) -> Page {
        self.fetch(Method::GET, url, &[], None).await
    }

    async fn send(&mut self, method: Method, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Page {
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookie_header());
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        let response = request.send().await.expect("an answer");
        self.visited.push(response.url().to_string());
        for line in response.headers().get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        Page {
            url: response.url().clone(),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    fn keep(&mut self, line: &str) {
        self.set_cookies.push(line.to_owned());
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.to_ascii_lowercase().contains("max-age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
