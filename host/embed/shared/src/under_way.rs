//! Calls that are under way, by number, so that a program can give one up.

use futures_util::future::{AbortHandle, AbortRegistration};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End<T> {
    Done(T),
    /// It panicked, or there was nobody to run it.
    Broken,
    /// The program gave it up.
    Cancelled,
}

/// Calls that are under way.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<Open>);

#[derive(Default)]
struct Open {
    last: u64,
    handles: HashMap<u64, AbortHandle>,
}

impl UnderWay {
    /// Begins a call: its number, never 0.
    pub(crate) fn begin(&self) -> (u64, AbortRegistration) {
        let (handle, registration) = AbortHandle::new_pair();
        let number = self.look(|open| {
            open.last += 1;
            open.handles.insert(open.last, handle);
            open.last
        });
        (number, registration)
    }

    /// A call has come to its end.
    pub(crate) fn end(&self, number: u64) {
        self.look(|open| open.handles.remove(&number));
    }

    /// Gives a call up, if it is under way.
    pub(crate) fn cancel(&self, number: u64) {
        if let Some(handle) = self.look(|open| open.handles.remove(&number)) {
            handle.abort();
        }
    }

    fn look<T>(&self, look: impl FnOnce(&mut Open) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{Abortable, Aborted, pending};

    #[tokio::test]
    async fn what_is_given_up_ends_and_nothing_else() {
        let calls = UnderWay::default();
        let ((first, registration), (second, other)) = (calls.begin(), calls.begin());
        calls.cancel(first);
        calls.cancel(first);
        assert_eq!(Abortable::new(pending::<()>(), registration).await, Err(Aborted));
        calls.end(second);
        calls.cancel(second);
        assert_eq!(Abortable::new(async { 1 }, other).await, Ok(1));
    }
}
