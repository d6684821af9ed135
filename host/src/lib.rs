//! host
mod http;
