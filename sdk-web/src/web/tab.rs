//! The machine of `core`, with hands: does what it says, in its order, and tells it what came of it.
//!
//! Invariant: code of the app (listeners, storages) runs while nothing is borrowed and no lock is held by this tab.

use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell, RefCell};

use js_sys::{Function, Promise};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::BroadcastChannel;

use super::channel;
use super::convert::{self, function, get, set, text};
use super::lock::{self, Lock};
use super::storage::Storage;
use super::surroundings::{Timer, chance, now, off_wake, on_wake};
use crate::core::machine::{Change, Effect, Event, Settings, State};
use crate::core::session::{Mode, Session};
use crate::core::verdict::Failure;

/// One client in one tab.
pub(crate) struct Tab {
    pub(crate) mode: Mode,
    /// What `npm/client.js` does for the tab.
    helper: JsValue,
    /// The global object.
    global: JsValue,
    name: String,
    storage: Storage,
    /// Given to nobody: [`Self::with`] and [`Self::step`] look at it and change it.
    state: RefCell<State>,
    /// What is still to be done, the next one last.
    queue: Cell<Vec<Effect>>,
    draining: Cell<bool>,
    /// Those who wait for a refresh, for a sign-out, and for the server's answer to a refresh.
    renewing: Waiters,
    leaving: Waiters,
    sending: Waiters,
    lock: Lock,
    hands: OnceCell<Hands>,
}

/// What keeps the tab going from outside.
struct Hands {
    timer: Timer,
    wake: Function,
    channel: Option<BroadcastChannel>,
}

/// Promises that are kept together.
#[derive(Default)]
struct Waiters(Cell<Vec<Function>>);

impl Waiters {
    /// One more. It gets `undefined`, or the properties of an error.
    fn join(&self) -> Promise {
        Promise::new(&mut |resolve, _| {
            let mut all = self.0.take();
            all.push(resolve);
            self.0.set(all);
        })
    }

    fn settle(&self, value: &JsValue) {
        for resolve in self.0.take() {
            let _ = resolve.call1(&JsValue::UNDEFINED, value);
        }
    }
}

impl Tab {
    /// A tab with the options of `npm/client.js`, in which nothing is missing.
    pub(crate) fn open(options: JsValue) -> Rc<Self> {
        let mode = text(&options, "mode").and_then(|word| Mode::of(&word)).unwrap_or(Mode::Cookie);
        let storage = Storage::new(get(&options, "storage"), mode);
        let common = mode != Mode::Json || storage.is_common();
        let heard_by_others = common || storage.has_others();
        let global = get(&options, "globalThis");
        let settings = Settings {
            common,
            mode,
            lock: heard_by_others && storage.is_ours() && lock::is_there(&global),
            automatic: get(&options, "autoRefresh").is_truthy(),
            lead_ms: get(&options, "msRefreshBeforeExpires").as_f64().unwrap_or(0.0),
            chance: chance(),
        };
        let tab = Rc::new(Self {
            mode,
            name: text(&options, "name").unwrap_or_default(),
            state: RefCell::new(State::new(settings)),
            queue: Cell::default(),
            draining: Cell::new(false),
            renewing: Waiters::default(),
            leaving: Waiters::default(),
            sending: Waiters::default(),
            lock: Lock::default(),
            hands: OnceCell::new(),
            global,
            helper: options,
            storage,
        });
        tab.grow_hands(heard_by_others);
        tab
    }

    fn grow_hands(self: &Rc<Self>, heard_by_others: bool) {
        let timer = Timer::new(self.callback(|tab, _| tab.feed(Event::Tick)));
        let heard = self.callback(|tab, event| {
            if let Some(message) = convert::heard(&get(&event, "data"), tab.mode) {
                tab.feed(Event::Heard(message));
            }
        });
        let channel = if heard_by_others { channel::open(&self.global, &self.name, &heard) } else { None };
        let wake = self.callback(|tab, _| tab.feed(Event::Woken));
        on_wake(&self.global, &wake);
        let _ = self.hands.set(Hands { timer, wake, channel });
    }

    /// A function of JavaScript that does nothing once the tab is gone.
    fn callback(self: &Rc<Self>, then: fn(&Rc<Self>, JsValue)) -> Function {
        let tab: Weak<Self> = Rc::downgrade(self);
        let closure = Closure::<dyn FnMut(JsValue)>::new(move |argument: JsValue| {
            if let Some(tab) = tab.upgrade() {
                then(&tab, argument);
            }
        });
        closure.into_js_value().unchecked_into()
    }

    /// Ends timers and listening. What is in progress goes on.
    pub(crate) fn close(&self) {
        self.stop_refreshing();
        if let Some(hands) = self.hands.get() {
            off_wake(&self.global, &hands.wake);
            if let Some(channel) = &hands.channel {
                channel.close();
            }
        }
    }

    /// No refreshing without being asked.
    pub(crate) fn stop_refreshing(&self) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.stop_refreshing();
        }
        self.set_timer();
    }

    fn set_timer(&self) {
        let at = self.with(State::wakes_at).flatten();
        if let Some(hands) = self.hands.get() {
            hands.timer.set(at);
        }
    }

    /// What the storage had when the page was opened.
    pub(crate) fn restored(self: &Rc<Self>, answer: Result<JsValue, JsValue>) {
        self.feed(Event::Restored(self.storage.at_start(answer)));
    }

    /// What the app sees of the session; `null` if nobody is signed in.
    pub(crate) fn current(&self) -> JsValue {
        self.with(|state| state.session().map(convert::record)).flatten().unwrap_or(JsValue::NULL)
    }

    /// Whether a request should wait for a refresh.
    pub(crate) fn needs_refresh(&self) -> bool {
        self.with(|state| state.needs_refresh(now())).unwrap_or_default()
    }

    /// Whether a request can do without the refresh that has failed.
    pub(crate) fn can_do_without(&self) -> bool {
        self.with(|state| state.can_do_without(now())).unwrap_or_default()
    }

    /// Has a session renewed, together with all who want the same.
    pub(crate) fn renew(self: &Rc<Self>, eager: bool) -> Promise {
        let waiter = self.renewing.join();
        self.feed(Event::Wanted { eager });
        waiter
    }

    /// Waits while the server's answer to a refresh is on its way: its cookie would come after another one.
    pub(crate) fn quiet(&self) -> Option<Promise> {
        self.with(State::is_sending)?.then(|| self.sending.join())
    }

    /// Signs out here at once, and at the server in a while.
    pub(crate) fn leave(self: &Rc<Self>) -> Promise {
        let waiter = self.leaving.join();
        self.feed(Event::SignOut);
        waiter
    }

    /// Tells the machine what happened and does what it says.
    pub(crate) fn feed(self: &Rc<Self>, event: Event) {
        self.step(event);
        self.drain();
    }

    fn step(&self, event: Event) {
        // It is never borrowed for longer than a look, and a panic would bring its printing into the module.
        let Ok(mut state) = self.state.try_borrow_mut() else { return };
        let effects = state.step(event, now());
        let mut queue: Vec<Effect> = effects.into_iter().rev().collect();
        queue.append(&mut self.queue.take());
        self.queue.set(queue);
    }

    /// Looks at the state.
    fn with<T>(&self, look: impl FnOnce(&State) -> T) -> Option<T> {
        self.state.try_borrow().ok().map(|state| look(&state))
    }

    fn drain(self: &Rc<Self>) {
        if self.draining.replace(true) {
            return;
        }
        loop {
            let mut queue = self.queue.take();
            let next = queue.pop();
            self.queue.set(queue);
            let Some(effect) = next else { break };
            if self.perform(effect) {
                // What comes after it waits for it; `stored` goes on.
                return;
            }
        }
        self.draining.set(false);
        self.set_timer();
        if self.with(State::is_sending) != Some(true) {
            self.sending.settle(&JsValue::UNDEFINED);
        }
    }

    /// Does something. Whether it has to be waited for.
    fn perform(self: &Rc<Self>, effect: Effect) -> bool {
        match effect {
            Effect::Claim => {
                let tab = Rc::clone(self);
                self.lock.claim(&self.global, &self.name, move |taken| tab.feed(Event::Claimed(taken)));
            }
            Effect::Release => self.lock.release(),
            Effect::Read => return self.stored(self.storage.get(), false),
            Effect::Save(session) => return self.stored(self.storage.set(session.as_ref()), true),
            Effect::Send(session) => {
                let mode = session.mode;
                let tab = Rc::clone(self);
                self.ask("refresh", &session, move |answer| {
                    tab.feed(Event::Answered(convert::answered(&answer, mode, now())));
                });
            }
            Effect::Revoke(session) => {
                let tab = Rc::clone(self);
                self.ask("revoke", &session, move |answer| tab.leaving.settle(&convert::unless_ended(&answer)));
            }
            Effect::Announce(message) => {
                if let Some(channel) = self.hands.get().and_then(|hands| hands.channel.as_ref()) {
                    // It fails once it is closed.
                    let _ = channel.post_message(&convert::message(&message));
                }
            }
            Effect::Tell(change) => self.tell(&change),
            Effect::Settle(result) => self.renewing.settle(&given(&result)),
        }
        false
    }

    /// Goes on with what the storage answered: now, or when it does. Whether that is later.
    fn stored(self: &Rc<Self>, answer: Result<JsValue, JsValue>, saving: bool) -> bool {
        if let Ok(promise) = &answer
            && let Some(then) = function(promise, "then")
        {
            let on = |ok: bool| {
                let tab = Rc::clone(self);
                Closure::once_into_js(move |value: JsValue| {
                    tab.went(if ok { Ok(value) } else { Err(value) }, saving);
                    tab.draining.set(false);
                    tab.drain();
                })
            };
            let _ = then.call2(promise, &on(true), &on(false));
            return true;
        }
        self.went(answer, saving);
        false
    }

    fn went(&self, answer: Result<JsValue, JsValue>, saving: bool) {
        // Not `feed`: this is a part of `drain`.
        let event = if saving { Event::Saved(answer.is_ok()) } else { Event::Read(self.storage.later(answer)) };
        self.step(event);
    }

    fn tell(&self, change: &Change) {
        let told = convert::change(change);
        set(&told, "session", &self.current());
        convert::call(&self.helper, "tell", &told);
    }

    /// Has JavaScript send something about a session. Its promise is never rejected.
    fn ask(&self, what: &str, session: &Session, then: impl FnOnce(JsValue) + 'static) {
        let promise = convert::call(&self.helper, what, &convert::record(session)).unwrap_or_default();
        if let Some(method) = function(&promise, "then") {
            let _ = method.call1(&promise, &Closure::once_into_js(then));
        }
    }
}

/// What waiters are given of a result.
fn given(result: &Result<(), Failure>) -> JsValue {
    result.as_ref().map_or_else(convert::failure, |()| JsValue::UNDEFINED)
}
