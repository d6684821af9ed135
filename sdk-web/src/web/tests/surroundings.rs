//! The page's clock, its timers, and the events by which it says that time has passed unseen.

use wasm_bindgen_test::wasm_bindgen_test;

use super::page::{Listener, global, happen, hold_timers, move_clock, pause, until};
use crate::web::surroundings::{Timer, chance, now, off_wake, on_wake};

#[wasm_bindgen_test]
async fn a_timer_fires_once_and_not_before_its_time() {
    let listener = Listener::new();
    let timer = Timer::new(listener.function.clone());
    let at = now() + 80.0;
    timer.set(Some(at));
    until("it has fired", || listener.count() > 0).await;
    // Browsers round the clock and the timer each for itself.
    assert!(now() >= at - 2.0, "{} ms early", at - now());
    pause(120).await;
    assert_eq!(listener.count(), 1);
}

#[wasm_bindgen_test]
async fn a_timer_that_is_set_again_forgets_what_it_was_set_to() {
    let listener = Listener::new();
    let timer = Timer::new(listener.function.clone());
    timer.set(Some(now() + 30.0));
    timer.set(Some(now() + 60.0));
    timer.set(None);
    pause(150).await;
    assert_eq!(listener.count(), 0);
    timer.set(Some(now() + 300_000.0));
    timer.set(Some(now() - 5_000.0));
    until("what was due is done at once", || listener.count() == 1).await;
}

#[wasm_bindgen_test]
fn a_timer_looks_at_the_clock_every_minute() {
    let set = hold_timers();
    let timer = Timer::new(Listener::new().function);
    for ahead in [-1.0, 0.0, 1_500.0, 59_000.0, 61_000.0, 86_400_000.0] {
        timer.set(Some(now() + ahead));
    }
    let set: Vec<f64> = set.iter().filter_map(|ms| ms.as_f64()).collect();
    let expected = [0.0, 0.0, 1_500.0, 59_000.0, 60_000.0, 60_000.0];
    assert!(set.len() == 6 && set.iter().zip(expected).all(|(set, ms)| (ms - set).abs() < 50.0), "{set:?}");
}

#[wasm_bindgen_test]
fn the_clock_is_that_of_the_page() {
    let before = now();
    move_clock(3_600_000.0);
    assert!(now() - before >= 3_600_000.0);
    assert!((0..100).all(|_| (0.0..1.0).contains(&chance())));
}

#[wasm_bindgen_test]
fn whatever_says_that_a_page_is_back_wakes_it_until_it_does_no_more() {
    let listener = Listener::new();
    let all =
        [("", "online"), ("", "focus"), ("", "pageshow"), ("document", "visibilitychange"), ("document", "resume")];
    on_wake(&global(), &listener.function);
    for (count, (place, event)) in all.iter().enumerate() {
        happen(place, event);
        assert_eq!(listener.count(), count + 1, "{event}");
    }
    off_wake(&global(), &listener.function);
    for (place, event) in all {
        happen(place, event);
    }
    assert_eq!(listener.count(), all.len());
}
