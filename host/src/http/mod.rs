//! The wire: HTTP/1.1, cookies, status codes and the envelopes of Directus's REST protocol.
//!
//! A request goes top to bottom through [`service`]: `cors` → [`token`] → [`route`] → `limits` → [`body`] → who is asking →
//! the handler in `auth`, `account`, `accounts`, `second_factor`, `records`, `shares`, `single_sign_on`, `operate`, `pages` or
//! `server` → [`respond`]. What is not ours goes to the application behind us, if there is one ([`front`]).
//! Everything but [`listener`] and the collecting half of [`body`] is a pure function of its arguments, and the body type is
//! generic, so that the same pieces serve the built-in listener and a `tower` service inside somebody else's program.
//!
//! Invariants: only this folder names hyper, and only [`status`] picks a status code. Deliberately absent: every decision
//! about authentication.

mod account;
mod accounts;
pub(crate) mod attempt;
mod auth;
pub(crate) mod body;
pub(crate) mod client;
mod conditions;
pub(crate) mod cookies;
mod cors;
pub(crate) mod date;
pub(crate) mod email;
mod form;
pub(crate) mod front;
mod graphql;
pub(crate) mod headers;
mod identities;
pub(crate) mod json;
mod json_wording;
mod keep_alive;
pub(crate) mod layer;
mod limits;
pub(crate) mod listener;
mod open_sessions;
mod openapi;
mod operate;
pub(crate) mod outgoing;
mod pages;
mod patience;
pub(crate) mod percent;
mod posting;
mod qr;
pub(crate) mod query;
mod reason;
mod records;
mod redirect;
pub(crate) mod refusal;
pub(crate) mod request_id;
pub(crate) mod respond;
pub(crate) mod route;
mod second_factor;
mod server;
pub(crate) mod service;
mod shares;
mod single_sign_on;
pub(crate) mod status;
mod template;
pub(crate) mod threads;
pub(crate) mod token;
pub(crate) mod validate;
