//! `[server.graphql]`: what the GraphQL endpoint tells of itself.

use super::decode::boolean;
use super::setting::{Setting, put};

/// The GraphQL endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graphql {
    /// May clients ask for the schema (`GRAPHQL_INTROSPECTION`, default true)?
    pub introspection: bool,
}

impl Default for Graphql {
    fn default() -> Self {
        Self { introspection: true }
    }
}

pub(super) const SETTINGS: &[Setting] =
    &[Setting::new("GRAPHQL_INTROSPECTION", "server.graphql.introspection", |c, v| {
        put(&mut c.server.graphql.introspection, boolean(v))
    })];
