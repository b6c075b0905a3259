//! The files of the web app, part of the binary.

/// A file and its media type.
pub(super) struct Asset {
    pub(super) path: &'static str,
    pub(super) media_type: &'static str,
    pub(super) content: &'static str,
}

/// Everything the page consists of.
pub(super) const ASSETS: [Asset; 6] = [
    Asset {
        path: "/",
        media_type: "text/html; charset=utf-8",
        content: include_str!("../../assets/index.html"),
    },
    Asset {
        path: "/app.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("../../assets/app.css"),
    },
    Asset {
        path: "/app.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/app.js"),
    },
    // Made from packages/client, so that the demo needs no Node.js.
    Asset {
        path: "/client.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/client.js"),
    },
    Asset {
        path: "/favicon.svg",
        media_type: "image/svg+xml",
        content: include_str!("../../assets/favicon.svg"),
    },
    // Browsers ask for this one when they show a JSON answer by itself.
    Asset {
        path: "/favicon.ico",
        media_type: "image/svg+xml",
        content: include_str!("../../assets/favicon.svg"),
    },
];
