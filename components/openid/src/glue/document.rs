//! Documents that are kept in the cache: how often they are asked for is decided in `cached`.

use super::gatewit::cache::cache;
use alloc::{format, string::String, vec::Vec};
use gatewit_fetch::{exchange::ask, surroundings::warn};
use gatewit_oauth::{
    Refusal, Request,
    cached::{self, FAILURE_SECONDS, KEEP_SECONDS, Step},
};

/// Most bytes of a document: what the cache keeps of one value.
const MOST_BYTES: usize = 256 * 1024;

/// A document.
pub(super) struct Document<T> {
    pub(super) value: T,
    /// Whether it was asked for just now.
    pub(super) is_new: bool,
}

/// A document out of the cache, or asked for. `read` says what is wrong with one.
pub(super) fn find<T>(url: &str, read: impl Fn(&[u8]) -> Result<T, String>) -> Result<Document<T>, Refusal> {
    let (copy, failure) = (cache::get(url), cache::get(&failure_of(url)));
    let step = cached::step(copy.as_ref().map(|copy| copy.age_seconds), failure.is_some());
    // What was put there can be read, unless this driver was replaced by another version meanwhile.
    let old = || copy.as_ref().and_then(|copy| read(copy.value.as_bytes()).ok());
    if step == Step::Use
        && let Some(value) = old()
    {
        return Ok(Document { value, is_new: false });
    }
    if step == Step::Fail {
        return Err(Refusal::Unavailable(failure.map(|failure| failure.value).unwrap_or_default()));
    }
    match (fetch(url, &read), old()) {
        (Ok(value), _) => Ok(Document { value, is_new: true }),
        (Err(why), Some(value)) => {
            warn("the provider does not answer, an old copy is used", &[("url", url), ("why", &why)]);
            Ok(Document { value, is_new: false })
        }
        (Err(why), None) => Err(Refusal::Unavailable(why)),
    }
}

/// A document, asked for now. What is wrong is remembered for a moment.
pub(super) fn fetch<T>(url: &str, read: impl Fn(&[u8]) -> Result<T, String>) -> Result<T, String> {
    let headers = Vec::from([("accept", String::from("application/json"))]);
    let request = Request { url: url.into(), headers, form: None };
    let outcome = match ask(&request, MOST_BYTES) {
        Err(refusal) => Err(format!("{refusal}")),
        Ok(answer) if answer.status != 200 => Err(format!("{url}: it answers {}, expected 200", answer.status)),
        Ok(answer) => read(&answer.body).map(|value| (value, answer.body)).map_err(|why| format!("{url}: {why}")),
    };
    match outcome {
        Ok((value, body)) => {
            // It was read as JSON, and so is a text.
            cache::put(url, &String::from_utf8(body).unwrap_or_default(), KEEP_SECONDS);
            Ok(value)
        }
        Err(why) => {
            cache::put(&failure_of(url), &why, FAILURE_SECONDS);
            Err(why)
        }
    }
}

fn failure_of(url: &str) -> String {
    format!("failure {url}")
}
