//! The wire: HTTP/1.1, cookies, status codes and the envelopes of Directus's REST protocol.
//!
//! A request goes top to bottom through [`service`]: [`token`] → [`route`] → [`body`] → who is asking → the handler in `auth`,
//! `account` or `server` → [`respond`].
//! Everything but [`listener`] and the collecting half of [`body`] is a pure function of its arguments, and the body type is
//! generic, so that the same pieces serve the built-in listener and a `tower` service inside somebody else's program.
//!
//! Invariants: only this folder names hyper, and only [`status`] picks a status code. Deliberately absent: every decision
//! about authentication.

mod account;
mod auth;
pub(crate) mod body;
pub(crate) mod client;
mod conditions;
pub(crate) mod cookies;
pub(crate) mod date;
pub(crate) mod email;
pub(crate) mod headers;
pub(crate) mod json;
mod json_wording;
mod keep_alive;
pub(crate) mod listener;
pub(crate) mod percent;
pub(crate) mod query;
mod reason;
mod redirect;
pub(crate) mod refusal;
pub(crate) mod request_id;
pub(crate) mod respond;
pub(crate) mod route;
mod server;
pub(crate) mod service;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod validate;
