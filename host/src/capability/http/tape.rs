//! What one call says to its provider and hears, kept so that a generation that watches can be told the same.
//!
//! A code is good for one token, and a message may change something where it arrives. So who watches is given the answers that
//! whoever serves got, by method and address and in their order; what was not said before goes out only if it changes nothing
//! by its kind, and is denied otherwise. Absent: connections of `streams`, which are used to ask and not to change.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, Response, Uri};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime_wasi_http::WasiBody;

/// Bytes of the bodies on one tape. A sign-in hears a hundred kilobytes; with more than this nobody watches.
const TAPE_BYTES_MAX: usize = 1 << 20;

/// What one call says and hears. Clones are handles to the same one.
#[derive(Clone)]
pub(crate) struct Tape {
    inner: Arc<Mutex<Reel>>,
    plays: bool,
}

#[derive(Default)]
struct Reel {
    exchanges: Vec<Exchange>,
    bytes: usize,
    /// It is not whole.
    torn: bool,
}

struct Exchange {
    method: Method,
    uri: Uri,
    answer: Response<Bytes>,
}

/// What becomes of a request of somebody who watches.
pub(super) enum Played {
    /// It was answered before.
    Answer(Response<WasiBody>),
    /// It may go out, because it changes nothing.
    Goes,
    /// It would be an effect.
    Denied,
}

impl Tape {
    /// An empty one, for a call that serves.
    pub(crate) fn blank() -> Self {
        Self { inner: Arc::default(), plays: false }
    }

    /// The same for a call that watches; `None` if not everything is on it.
    pub(crate) fn rewound(self) -> Option<Self> {
        let is_torn = self.reel(|reel| reel.torn);
        (!is_torn).then_some(Self { plays: true, ..self })
    }

    /// What is on it for a request; `None` if it takes and does not play.
    pub(super) fn play<B>(&self, request: &Request<B>) -> Option<Played> {
        if !self.plays {
            return None;
        }
        let found = self.reel(|reel| {
            let is_same = |one: &Exchange| one.method == *request.method() && one.uri == *request.uri();
            let place = reel.exchanges.iter().position(is_same)?;
            Some(reel.exchanges.remove(place).answer)
        });
        let is_safe = [Method::GET, Method::HEAD].contains(request.method());
        Some(match found {
            Some(answer) => {
                Played::Answer(answer.map(|body| Full::from(body).map_err(|never| match never {}).boxed_unsync()))
            }
            None if is_safe => Played::Goes,
            None => Played::Denied,
        })
    }

    /// Takes an answer, and hands it on.
    pub(super) async fn take(&self, method: Method, uri: Uri, answer: Response<WasiBody>) -> Response<WasiBody> {
        let (head, body) = answer.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                self.reel(|reel| reel.torn = true);
                return Response::from_parts(head, super::client::broken(error));
            }
        };
        self.reel(|reel| {
            reel.bytes = reel.bytes.saturating_add(body.len());
            if reel.bytes > TAPE_BYTES_MAX {
                (reel.torn, reel.exchanges) = (true, Vec::new());
            } else {
                let answer = plain(head.status, head.headers.clone(), body.clone());
                reel.exchanges.push(Exchange { method, uri, answer });
            }
        });
        Response::from_parts(head, Full::from(body).map_err(|never| match never {}).boxed_unsync())
    }

    /// Notes that a request had no answer, which cannot be told again.
    pub(super) fn tear(&self) {
        self.reel(|reel| reel.torn = true);
    }

    fn reel<T>(&self, look: impl FnOnce(&mut Reel) -> T) -> T {
        look(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn plain(status: hyper::StatusCode, headers: HeaderMap, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &Method, uri: &str) -> Request<()> {
        Request::builder().method(method).uri(uri).body(()).unwrap()
    }

    fn answer(text: &str) -> Response<WasiBody> {
        Response::new(Full::from(text.to_owned()).map_err(|never| match never {}).boxed_unsync())
    }

    async fn text(played: Option<Played>) -> String {
        let Some(Played::Answer(answer)) = played else { return "none".to_owned() };
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_was_heard_is_heard_again_in_its_order_and_effects_are_denied() {
        let (tape, token) = (Tape::blank(), "https://idp.example.com/token");
        for word in ["first", "second"] {
            let passed = tape.take(Method::POST, token.parse().unwrap(), answer(word)).await;
            assert_eq!(text(Some(Played::Answer(passed))).await, word);
        }
        assert!(tape.play(&request(&Method::POST, token)).is_none(), "whoever serves is served");
        let tape = tape.rewound().unwrap();
        assert_eq!(text(tape.play(&request(&Method::POST, token))).await, "first");
        assert_eq!(text(tape.play(&request(&Method::POST, token))).await, "second");
        assert!(matches!(tape.play(&request(&Method::POST, token)), Some(Played::Denied)));
        assert!(matches!(tape.play(&request(&Method::GET, token)), Some(Played::Goes)));
        assert!(matches!(tape.play(&request(&Method::DELETE, token)), Some(Played::Denied)));
    }

    #[tokio::test]
    async fn what_is_too_long_or_has_no_end_is_not_played() {
        let tape = Tape::blank();
        let uri: Uri = "https://idp.example.com/".parse().unwrap();
        tape.take(Method::GET, uri.clone(), answer(&"x".repeat(TAPE_BYTES_MAX))).await;
        assert!(tape.clone().rewound().is_some());
        tape.take(Method::GET, uri, answer("x")).await;
        assert!(tape.rewound().is_none());
        let tape = Tape::blank();
        tape.tear();
        assert!(tape.rewound().is_none());
    }
}
