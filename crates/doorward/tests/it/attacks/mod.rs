//! The attack matrix, row by row, through the whole application.

mod bad_input;
mod build_errors;
mod caching;
mod cookies;
mod cors;
mod csrf;
mod data;
mod data_races;
mod endpoints;
mod forgery;
mod hooks;
mod identities;
mod layers;
mod lifetimes;
mod logout;
mod misuse;
mod navigation;
mod redirects;
mod refusals;
mod router;
mod secrets;
mod stored;
mod support;
