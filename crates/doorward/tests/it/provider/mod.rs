//! A provider that misbehaves, case by case: what the relying party must make of it.
//!
//! Every case is a whole login through application, browser and provider. What is asserted for each: how it ended (the
//! user's own session, or a refusal with a code of the contract and no trace of a session), and which calls were made to
//! the provider. After a fault no further call is made, which is how the OpenID Foundation's modules judge.

mod callback;
mod client_auth;
mod crowd;
mod discovery;
mod form_post;
mod harness;
mod id_token;
mod id_token_claims;
mod key_rotation;
mod keys;
mod metadata_cache;
mod mix_up;
mod modules;
mod pending;
mod replay;
mod token;
mod token_members;
mod user_claims;
mod userinfo;
