//! One tab, step by step.

use super::refresh::PATIENCE_MS;
use super::*;
use crate::core::session::{Facts, Mode};

const LIFE: f64 = 900_000.0;
const NOW: f64 = 1e12;

pub(super) fn settings() -> Settings {
    Settings { common: true, mode: Mode::Json, lock: true, automatic: true, lead_ms: 30_000.0, chance: 0.0 }
}

/// The session with this name, as it comes at `now`.
pub(super) fn session(name: &str, now: f64) -> Session {
    Facts {
        mode: Mode::Json,
        access: Some(["access ", name].concat()),
        refresh: Some(name.into()),
        life_ms: LIFE,
        expires_at: now + LIFE,
    }
    .into()
}

/// A tab in which `one` is signed in, and kept.
fn signed_in() -> State {
    let mut state = State::new(settings());
    state.step(Event::SignedIn(session("one", NOW)), NOW);
    state.step(Event::Saved(true), NOW);
    state
}

/// What is done to ask the server: the other tabs know before.
fn asks(session: Session) -> [Effect; 2] {
    let from = session.refresh.clone().unwrap();
    [Effect::Announce(Message::Asked { from }), Effect::Send(session)]
}

/// Brings a refresh to where the server is asked.
fn sending(state: &mut State, now: f64) {
    assert_eq!(state.step(Event::Wanted { eager: true }, now), [Effect::Claim]);
    assert_eq!(state.step(Event::Claimed(true), now), [Effect::Read]);
    let held = state.session().cloned().unwrap();
    assert_eq!(state.step(Event::Read(Reading::Record(held.clone())), now), asks(held));
}

#[test]
fn a_renewed_session_is_saved_before_it_is_announced_and_the_app_hears_last() {
    let (mut state, two) = (signed_in(), session("two", NOW));
    sending(&mut state, NOW);
    assert_eq!(state.step(Event::Answered(Ok(two.clone())), NOW), [Effect::Read]);
    let kept = Reading::Record(session("one", NOW));
    let announced = Message::Renewed { renewed: two.clone(), from: Some("one".into()) };
    let expected = [
        Effect::Save(Some(two.clone())),
        Effect::Announce(announced),
        Effect::Release,
        Effect::Tell(Change::Renewed),
        Effect::Settle(Ok(())),
    ];
    assert_eq!(state.step(Event::Read(kept), NOW), expected);
    assert_eq!(state.session(), Some(&two));
}

#[test]
fn a_refresh_is_one_however_many_want_it() {
    let mut state = signed_in();
    sending(&mut state, NOW);
    assert_eq!(state.step(Event::Wanted { eager: true }, NOW), []);
    assert_eq!(state.step(Event::Tick, NOW + LIFE), []);
}

#[test]
fn what_another_tab_has_renewed_is_taken_over_without_asking() {
    let (mut state, two) = (signed_in(), session("two", NOW));
    state.step(Event::Wanted { eager: false }, NOW);
    state.step(Event::Claimed(true), NOW);
    let effects = state.step(Event::Read(Reading::Record(two.clone())), NOW);
    assert_eq!(effects, [Effect::Release, Effect::Tell(Change::Renewed), Effect::Settle(Ok(()))]);
    assert_eq!(state.session(), Some(&two));
}

#[test]
fn a_tab_without_the_lock_waits_for_news_and_goes_ahead_if_there_are_none() {
    let mut state = signed_in();
    state.step(Event::Wanted { eager: false }, NOW);
    assert_eq!(state.step(Event::Claimed(false), NOW), []);
    assert_eq!(state.wakes_at(), Some(NOW + PATIENCE_MS));
    let mut patient = state.clone();
    let renewed = session("two", NOW);
    let news = Message::Renewed { renewed: renewed.clone(), from: Some("one".into()) };
    assert_eq!(patient.step(Event::Heard(news), NOW + 10.0), [Effect::Tell(Change::Renewed), Effect::Settle(Ok(()))]);
    assert_eq!(patient.session(), Some(&renewed));
    assert_eq!(state.step(Event::Tick, NOW + PATIENCE_MS), [Effect::Read]);
    let held = session("one", NOW);
    assert_eq!(state.step(Event::Read(Reading::Record(held.clone())), NOW), asks(held));
}

#[test]
fn a_waiting_tab_hears_of_a_failure_and_does_not_try_itself() {
    let mut state = signed_in();
    state.step(Event::Wanted { eager: false }, NOW);
    state.step(Event::Claimed(false), NOW);
    let failure = Failure::own(Code::Network, "");
    let effects = state.step(Event::Heard(Message::Failed(failure.clone())), NOW);
    assert_eq!(effects, [Effect::Tell(Change::Unreachable(failure.clone())), Effect::Settle(Err(failure))]);
    assert!(state.session().is_some());
}

#[test]
fn sign_out_wins_over_a_refresh_in_flight() {
    let (mut state, two) = (signed_in(), session("two", NOW));
    sending(&mut state, NOW);
    let effects = state.step(Event::SignOut, NOW + 1.0);
    let expected = [
        Effect::Save(None),
        Effect::Announce(Message::SignedOut { at: NOW + 1.0 }),
        Effect::Tell(Change::SignedOut(None)),
        Effect::Settle(Err(signed_out())),
    ];
    assert_eq!(effects, expected);
    // What comes back is nobody's, and the server is told so.
    assert_eq!(state.step(Event::Answered(Ok(two.clone())), NOW + 2.0), [Effect::Release, Effect::Revoke(two)]);
    assert_eq!(*state.standing(), Standing::SignedOut);
}

#[test]
fn a_refresh_in_flight_that_fails_after_a_sign_out_still_leaves_the_server_told() {
    let mut state = signed_in();
    sending(&mut state, NOW);
    state.step(Event::SignOut, NOW);
    let lost = Err(Failure::own(Code::Network, ""));
    assert_eq!(state.step(Event::Answered(lost), NOW), [Effect::Release, Effect::Revoke(session("one", NOW))]);
}

#[test]
fn a_sign_out_elsewhere_wins_though_it_was_only_seen_in_the_storage() {
    let (mut state, two) = (signed_in(), session("two", NOW));
    sending(&mut state, NOW);
    state.step(Event::Answered(Ok(two.clone())), NOW);
    let effects = state.step(Event::Read(Reading::Absent), NOW);
    assert!(effects.contains(&Effect::Revoke(two)), "{effects:?}");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Save(Some(_)))), "{effects:?}");
    assert_eq!(*state.standing(), Standing::SignedOut);
}

#[test]
fn absence_means_nothing_where_the_session_could_not_be_stored() {
    let (mut state, two) = (signed_in(), session("two", NOW));
    assert_eq!(state.step(Event::Saved(false), NOW), [Effect::Tell(Change::Unsaved)]);
    state.step(Event::Wanted { eager: true }, NOW);
    state.step(Event::Claimed(true), NOW);
    assert_eq!(state.step(Event::Read(Reading::Absent), NOW), asks(session("one", NOW)));
    state.step(Event::Answered(Ok(two.clone())), NOW);
    state.step(Event::Read(Reading::Absent), NOW);
    assert_eq!(state.session(), Some(&two));
}

#[test]
fn somebody_else_who_signed_in_meanwhile_stays_signed_in() {
    let (mut state, other) = (signed_in(), session("other", NOW));
    sending(&mut state, NOW);
    state.step(Event::Answered(Ok(session("two", NOW))), NOW);
    let effects = state.step(Event::Read(Reading::Record(other.clone())), NOW);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Save(_) | Effect::Revoke(_))), "{effects:?}");
    assert_eq!(state.session(), Some(&other));
}

#[test]
fn a_refused_token_is_doubted_if_the_storage_has_another() {
    let refused = || Event::Answered(Err(Failure::own(Code::InvalidCredentials, "")));
    let mut state = signed_in();
    sending(&mut state, NOW);
    assert_eq!(state.step(refused(), NOW), [Effect::Read]);
    let mut same = state.clone();
    state.step(Event::Read(Reading::Record(session("two", NOW))), NOW);
    assert_eq!(state.session(), Some(&session("two", NOW)));
    let effects = same.step(Event::Read(Reading::Record(session("one", NOW))), NOW);
    assert_eq!(effects.first(), Some(&Effect::Save(None)));
    assert_eq!(*same.standing(), Standing::SignedOut);
}

#[test]
fn a_failure_keeps_the_session_and_pauses_grow() {
    let mut state = signed_in();
    let mut now = NOW + LIFE;
    for pause in [1000.0, 2000.0, 4000.0] {
        sending(&mut state, now);
        let effects = state.step(Event::Answered(Err(Failure::own(Code::Timeout, ""))), now);
        assert!(matches!(effects.first(), Some(Effect::Announce(Message::Failed(_)))), "{effects:?}");
        assert_eq!(state.session(), Some(&session("one", NOW)));
        assert_eq!(state.wakes_at(), Some(now + pause));
        assert_eq!(state.step(Event::Tick, now + pause - 1.0), []);
        // Those who ask meanwhile are told at once.
        assert!(matches!(state.step(Event::Wanted { eager: false }, now).as_slice(), [Effect::Settle(Err(_))]));
        now += pause;
    }
    // The network is back: at once.
    assert_eq!(state.step(Event::Woken, now - 3000.0), [Effect::Claim]);
}

#[test]
fn news_from_before_a_sign_in_is_about_somebody_else() {
    let mut state = signed_in();
    assert_eq!(state.step(Event::Heard(Message::SignedOut { at: NOW - 1.0 }), NOW), []);
    assert!(state.session().is_some());
    state.step(Event::Heard(Message::SignedOut { at: NOW + 1.0 }), NOW + 2.0);
    assert_eq!(*state.standing(), Standing::SignedOut);
    let late = Message::Renewed { renewed: session("two", NOW), from: Some("one".into()) };
    assert_eq!(state.step(Event::Heard(late), NOW + 3.0), []);
}

#[test]
fn a_tab_of_its_own_hears_of_successors_only() {
    let mut state = State::new(Settings { common: false, ..settings() });
    state.step(Event::SignedIn(session("one", NOW)), NOW);
    let stranger = Message::Renewed { renewed: session("y", NOW + 1.0), from: Some("x".into()) };
    assert_eq!(state.step(Event::Heard(stranger), NOW), []);
    assert_eq!(state.step(Event::Heard(Message::SignedIn(session("z", NOW))), NOW), []);
    assert_eq!(state.step(Event::Heard(Message::SignedOut { at: NOW + 1.0 }), NOW + 1.0), []);
    let two = session("two", NOW + 1.0);
    let mine = Message::Renewed { renewed: two.clone(), from: Some("one".into()) };
    assert_eq!(state.step(Event::Heard(mine), NOW).first(), Some(&Effect::Save(Some(two))));
}

#[test]
fn who_signs_in_while_a_refresh_is_in_flight_keeps_the_new_session() {
    let (mut state, two) = (signed_in(), session("two", NOW));
    sending(&mut state, NOW);
    state.step(Event::SignedIn(session("new", NOW)), NOW);
    assert_eq!(state.step(Event::Wanted { eager: true }, NOW), []);
    let effects = state.step(Event::Answered(Ok(two.clone())), NOW);
    // Void, and what was wanted meanwhile begins.
    assert_eq!(effects, [Effect::Release, Effect::Revoke(two), Effect::Claim]);
    assert_eq!(state.session(), Some(&session("new", NOW)));
}

#[test]
fn in_cookies_a_stray_answer_is_not_revoked_under_somebody_else() {
    let held = |name: &str| -> Session {
        Facts { mode: Mode::Cookie, access: Some(name.into()), refresh: None, life_ms: LIFE, expires_at: NOW + LIFE }
            .into()
    };
    let mut state = State::new(Settings { mode: Mode::Cookie, lock: false, ..settings() });
    state.step(Event::SignedIn(held("one")), NOW);
    state.step(Event::Wanted { eager: true }, NOW);
    state.step(Event::Read(Reading::Unused), NOW);
    state.step(Event::SignedIn(held("new")), NOW);
    assert_eq!(state.step(Event::Answered(Ok(held("two"))), NOW), []);
}

#[test]
fn a_page_that_is_opened_finds_its_session_or_asks_the_server() {
    let mut state = State::new(settings());
    assert_eq!(state.step(Event::Restored(Reading::Absent), NOW), [Effect::Tell(Change::SignedOut(None))]);
    let mut state = State::new(settings());
    state.step(Event::Restored(Reading::Record(session("one", NOW))), NOW);
    assert!(state.session().is_some() && !state.needs_refresh(NOW));
    let mut state = State::new(Settings { mode: Mode::Cookie, lock: false, ..settings() });
    assert_eq!(state.step(Event::Restored(Reading::Unused), NOW), []);
    assert!(state.needs_refresh(NOW) && !state.can_do_without(NOW));
    state.step(Event::Wanted { eager: false }, NOW);
    state.step(Event::Read(Reading::Unused), NOW);
    state.step(Event::Answered(Err(Failure::own(Code::InvalidPayload, "no cookie"))), NOW);
    let effects = state.step(Event::Read(Reading::Unused), NOW);
    assert_eq!(
        effects.first(),
        Some(&Effect::Tell(Change::SignedOut(None))),
        "nobody was signed in, so nothing is amiss"
    );
    assert!(state.can_do_without(NOW));
}

#[test]
fn where_another_tab_has_asked_and_says_no_more_this_one_asks_in_time() {
    let asked = || Event::Heard(Message::Asked { from: "one".into() });
    for lock in [true, false] {
        let mut state = signed_in();
        state.settings.lock = lock;
        assert_eq!(state.step(asked(), NOW), []);
        let at = state.wakes_at().unwrap();
        assert!((NOW + 1000.0..NOW + 9000.0).contains(&at), "{}", at - NOW);
        // Hearing it again puts nothing off, and there is no waiting for a lock that the other one may hold.
        assert_eq!(state.step(asked(), NOW + 500.0), []);
        assert_eq!((state.step(Event::Tick, at - 1.0), state.step(Event::Tick, at)), (vec![], vec![Effect::Read]));
        let held = session("one", NOW);
        assert_eq!(state.step(Event::Read(Reading::Record(held.clone())), at), asks(held));
    }
}

#[test]
fn what_came_of_it_is_all_that_was_waited_for() {
    let renewed = || session("two", NOW);
    for news in [
        Message::Renewed { renewed: renewed(), from: Some("one".into()) },
        Message::Failed(Failure::own(Code::Network, "")),
        Message::SignedIn(renewed()),
        Message::SignedOut { at: NOW },
    ] {
        let mut state = signed_in();
        state.step(Event::Heard(Message::Asked { from: "one".into() }), NOW);
        state.step(Event::Heard(news.clone()), NOW + 100.0);
        assert!(state.wakes_at().is_none_or(|at| at > NOW + 60_000.0), "{news:?}");
    }
    // A token of somebody else's, or an older one of ours, is none of this tab's business.
    let mut state = signed_in();
    state.step(Event::Heard(Message::Asked { from: "another".into() }), NOW);
    assert!(state.wakes_at().is_some_and(|at| at > NOW + 60_000.0));
}

#[test]
fn a_tab_that_waits_for_the_lock_of_one_that_has_asked_does_not_wait_too_long() {
    let mut state = signed_in();
    state.step(Event::Heard(Message::Asked { from: "one".into() }), NOW);
    let at = state.wakes_at().unwrap();
    assert_eq!(state.step(Event::Wanted { eager: true }, NOW + 1000.0), [Effect::Claim]);
    assert_eq!(state.step(Event::Claimed(false), NOW + 1000.0), []);
    assert_eq!(state.wakes_at(), Some(at));
}

#[test]
fn news_of_a_renewal_while_the_lock_is_asked_for_is_what_it_was_wanted_for() {
    for taken in [true, false] {
        let mut state = signed_in();
        assert_eq!(state.step(Event::Wanted { eager: true }, NOW), [Effect::Claim]);
        let renewed = Message::Renewed { renewed: session("two", NOW), from: Some("one".into()) };
        assert_eq!(state.step(Event::Heard(renewed), NOW), [Effect::Tell(Change::Renewed), Effect::Settle(Ok(()))]);
        let given_back = if taken { vec![Effect::Release] } else { vec![] };
        assert_eq!(state.step(Event::Claimed(taken), NOW), given_back);
        assert!(state.wakes_at().is_some_and(|at| at > NOW + 60_000.0), "it is at rest");
    }
}
