//! In front of other applications: who is signed in is told to them, in headers that nobody else can send.
//!
//! | file | what it does |
//! |---|---|
//! | [`ownership`] | which paths are answered here |
//! | [`identity`] | who is asking, and the headers that say so |
//! | [`navigation`] | where browsers go to sign in, and back |
//! | [`forward_auth`] | the endpoint for nginx, Caddy and Traefik |
//! | [`forwarded`] | what the application is told of the client's connection |
//! | [`rewrite`] | heads of requests and answers as they are passed on |
//! | [`proxy`] | passes a request on, and its answer back |
//! | [`link`] | connections to the application, and those that wait for the next request |
//! | [`body`] | bodies on their way, with an end to silence |
//! | [`tunnel`] | connections that were upgraded |
//!
//! The upper half, [`forwarded`] and [`rewrite`] decide and do nothing; the lower half does and decides nothing. Invariants: a
//! header that says who is signed in, in whatever spelling an application may take for it, never comes from outside; a path that
//! anybody could read as one of ours is never passed on; memory of a request does not grow with its bodies.
//! Deliberately absent: caching, load balancing, rewriting of paths, HTTP/2.

mod body;
pub(crate) mod forward_auth;
mod forwarded;
pub(crate) mod identity;
mod link;
pub(crate) mod navigation;
mod ownership;
pub(crate) mod proxy;
mod rewrite;
mod tunnel;
