//! Web Locks say which tab refreshes, and let nobody wait.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{global, locking, pause, rejected, until};
use crate::web::lock::{Lock, is_there};

const NAME: &str = "a lock of the tests";

/// What a claim is answered.
#[derive(Clone, Default)]
struct Answers(Rc<RefCell<Vec<bool>>>);

impl Answers {
    async fn of(lock: &Lock, global: &JsValue, name: &str) -> bool {
        let answers = Self::default();
        let own = answers.clone();
        lock.claim(global, name, move |taken| own.0.borrow_mut().push(taken));
        until("the claim is answered", || !answers.0.borrow().is_empty()).await;
        pause(20).await;
        let [answer] = answers.0.borrow()[..] else { panic!("more than one answer") };
        answer
    }
}

#[wasm_bindgen_test]
async fn one_has_it_and_the_next_is_told_so_without_waiting() {
    let (one, two) = (Lock::default(), Lock::default());
    assert!(is_there(&global()));
    assert!(Answers::of(&one, &global(), NAME).await);
    assert!(!Answers::of(&two, &global(), NAME).await);
    assert!(Answers::of(&two, &global(), "another lock").await, "locks of two names are two");
}

#[wasm_bindgen_test]
async fn what_is_given_back_can_be_had_again() {
    let (one, two) = (Lock::default(), Lock::default());
    for (holder, next) in [(&one, &two), (&two, &one), (&one, &two)] {
        assert!(Answers::of(holder, &global(), NAME).await);
        assert!(!Answers::of(next, &global(), NAME).await);
        holder.release();
        // Twice is once.
        holder.release();
        pause(50).await;
    }
}

#[wasm_bindgen_test]
async fn where_there_are_no_locks_nobody_has_one() {
    let bare = Object::new().into();
    assert!(!is_there(&bare));
    assert!(!Answers::of(&Lock::default(), &bare, NAME).await);
}

#[wasm_bindgen_test]
async fn a_page_that_is_refused_locks_does_without() {
    let refuse = Closure::<dyn FnMut() -> js_sys::Promise>::new(rejected).into_js_value();
    let global = locking(refuse.unchecked_ref::<Function>());
    assert!(is_there(&global));
    assert!(!Answers::of(&Lock::default(), &global, NAME).await);
}
