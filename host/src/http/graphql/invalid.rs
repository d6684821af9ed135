//! What is wrong with a document, as clients are told it.
//!
//! Deliberately absent: the wording, which is where the mistake is found.

use super::super::refusal::Refusal;
use async_graphql::Pos;
use serde_json::{Value, json};

/// Mistakes that one answer lists, as graphql-js does; behind so many nobody reads on.
const LISTED_MAX: usize = 100;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) message: String,
    pub(super) places: Vec<Pos>,
}

impl Invalid {
    pub(super) fn new(message: String, places: &[Pos]) -> Self {
        Self { message, places: places.to_vec() }
    }

    /// `message` and `locations`; without places, only the message.
    pub(super) fn to_json(&self) -> Value {
        if self.places.is_empty() {
            return json!({ "message": self.message });
        }
        json!({ "message": self.message, "locations": locations(&self.places) })
    }
}

/// Places as GraphQL writes them.
pub(super) fn locations(places: &[Pos]) -> Value {
    places.iter().map(|place| json!({ "line": place.line, "column": place.column })).collect()
}

/// The refusal of a document with these mistakes.
pub(super) fn refusal(mistakes: &[Invalid]) -> Refusal {
    Refusal::GraphqlValidation { errors: mistakes.iter().take(LISTED_MAX).map(Invalid::to_json).collect() }
}
