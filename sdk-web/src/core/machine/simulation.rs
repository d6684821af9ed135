//! Many tabs, a storage, a channel and a server, with everything that can be late being late: whatever happens, nobody is signed
//! out by accident, and whoever signs out stays signed out.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::tests::{session, settings};
use super::*;

const TABS: usize = 8;
const START: f64 = 1e12;
const HOUR: f64 = 3_600_000.0;
/// What the test is about takes seconds; this is a step of it.
const STEP: f64 = 50.0;
/// Everything that is on its way has arrived by then.
const SOON: f64 = 20_000.0;
/// The server gives the same successor for so long.
const GRACE: f64 = 10_000.0;

/// The server's side: which token has which successor, and since when.
#[derive(Default)]
struct Server {
    count: usize,
    current: Option<String>,
    before: BTreeMap<String, (String, f64)>,
    asked: usize,
}

impl Server {
    fn sign_in(&mut self, now: f64) -> Session {
        self.count += 1;
        let name = format!("{}", self.count);
        self.current = Some(name.clone());
        self.before.clear();
        session(&name, now)
    }

    fn refresh(&mut self, token: &str, now: f64) -> Result<Session, Failure> {
        self.asked += 1;
        if self.current.as_deref() == Some(token) {
            self.count += 1;
            let next = format!("{}", self.count);
            self.before.insert(token.into(), (next.clone(), now));
            self.current = Some(next.clone());
            return Ok(session(&next, now));
        }
        match self.before.get(token) {
            Some((next, at)) if now - at < GRACE && self.current.is_some() => Ok(session(next, now)),
            spent => {
                // Whoever comes with a token that was spent long ago may have stolen it: the session ends for all.
                if spent.is_some() {
                    self.current = None;
                }
                Err(Failure::own(Code::InvalidCredentials, "unknown or too old"))
            }
        }
    }
}

/// What is on its way to a tab.
enum Coming {
    Event(Event),
    /// A question that the server has not seen yet.
    Question(Session),
}

struct World {
    now: f64,
    tabs: Vec<State>,
    coming: Vec<VecDeque<(f64, Coming)>>,
    stored: Option<Session>,
    lock: Option<usize>,
    server: Server,
    /// Tabs to which nothing gets through, and whose timers stand still, until then.
    frozen: Vec<f64>,
    cut: bool,
    ended: Vec<Option<Failure>>,
    /// Numbers for delays, round and round.
    delays: Vec<u8>,
    at: usize,
}

impl World {
    fn new(delays: Vec<u8>, locks: bool) -> Self {
        let tab = |index: usize| {
            let chance = f64::from(u32::try_from(index).unwrap()) / f64::from(u32::try_from(TABS).unwrap());
            State::new(Settings { chance, lock: locks, ..settings() })
        };
        let mut world = Self {
            now: START,
            tabs: (0..TABS).map(tab).collect(),
            coming: (0..TABS).map(|_| VecDeque::new()).collect(),
            stored: None,
            lock: None,
            server: Server::default(),
            frozen: vec![0.0; TABS],
            cut: false,
            ended: vec![],
            delays,
            at: 0,
        };
        for tab in 0..TABS {
            world.feed(tab, Event::Restored(Reading::Absent));
        }
        world
    }

    fn delay(&mut self, up_to: f64) -> f64 {
        self.at = (self.at + 1) % self.delays.len();
        f64::from(self.delays[self.at]) / 256.0 * up_to
    }

    fn feed(&mut self, tab: usize, event: Event) {
        let mut effects = VecDeque::from(self.tabs[tab].step(event, self.now));
        while let Some(effect) = effects.pop_front() {
            let followed = match effect {
                Effect::Claim => {
                    let free = self.lock.is_none();
                    if free {
                        self.lock = Some(tab);
                    }
                    Some(Event::Claimed(free))
                }
                Effect::Release => {
                    self.lock = None;
                    None
                }
                Effect::Read => Some(Event::Read(self.stored.clone().map_or(Reading::Absent, Reading::Record))),
                Effect::Save(session) => {
                    self.stored = session;
                    Some(Event::Saved(true))
                }
                Effect::Send(session) => {
                    let at = self.now + self.delay(400.0);
                    self.coming[tab].push_back((at, Coming::Question(session)));
                    None
                }
                Effect::Revoke(session) => {
                    let token = session.refresh.clone().unwrap_or_default();
                    let known = self.server.current.as_ref() == Some(&token) || self.server.before.contains_key(&token);
                    if known {
                        self.server.current = None;
                    }
                    None
                }
                Effect::Announce(message) => {
                    for other in (0..TABS).filter(|other| *other != tab) {
                        let at = self.now + self.delay(100.0);
                        self.coming[other].push_back((at, Coming::Event(Event::Heard(message.clone()))));
                    }
                    None
                }
                Effect::Tell(Change::SignedOut(why)) => {
                    self.ended.push(why);
                    None
                }
                Effect::Tell(_) | Effect::Settle(_) => None,
            };
            if let Some(event) = followed {
                let more = self.tabs[tab].step(event, self.now);
                effects.extend(more);
            }
        }
    }

    fn pass(&mut self, ms: f64) {
        let end = self.now + ms;
        while self.now < end {
            self.now += STEP;
            for tab in 0..TABS {
                if self.frozen[tab] > self.now {
                    self.pass_on(tab);
                    continue;
                }
                while self.coming[tab].front().is_some_and(|(at, _)| *at <= self.now) {
                    let (_, coming) = self.coming[tab].pop_front().unwrap();
                    self.arrives(tab, coming);
                }
                if self.tabs[tab].wakes_at().is_some_and(|at| at <= self.now) {
                    self.feed(tab, Event::Tick);
                }
            }
        }
    }

    /// What a frozen tab has asked is not its any more: the browser brings it to the server. It will see the answer later.
    fn pass_on(&mut self, tab: usize) {
        let asked = |(at, coming): &(f64, Coming)| *at <= self.now && matches!(coming, Coming::Question(_));
        if let Some(index) = self.coming[tab].iter().position(asked)
            && let Some((_, coming)) = self.coming[tab].remove(index)
        {
            self.arrives(tab, coming);
        }
    }

    fn arrives(&mut self, tab: usize, coming: Coming) {
        match coming {
            Coming::Event(event) => self.feed(tab, event),
            Coming::Question(session) => {
                let token = session.refresh.clone().unwrap();
                let answer = if self.cut {
                    // Half of the time the server has heard it, and only its answer is lost.
                    if self.delay(1.0) > 0.5 {
                        let _ = self.server.refresh(&token, self.now);
                    }
                    Err(Failure::own(Code::Network, ""))
                } else {
                    self.server.refresh(&token, self.now)
                };
                let at = self.now + self.delay(400.0);
                self.coming[tab].push_front((at, Coming::Event(Event::Answered(answer))));
            }
        }
    }

    fn sign_in(&mut self, tab: usize) {
        let session = self.server.sign_in(self.now);
        self.feed(tab, Event::SignedIn(session));
        self.pass(500.0);
        self.ended.clear();
    }

    fn signed_in(&self) -> usize {
        self.tabs.iter().filter(|tab| tab.session().is_some()).count()
    }
}

#[test]
fn eight_tabs_in_an_hour_refresh_four_times() {
    let mut world = World::new((0..=255).collect(), true);
    world.sign_in(0);
    assert_eq!(world.signed_in(), TABS);
    world.pass(HOUR);
    assert_eq!((world.server.asked, world.signed_in(), world.ended.len()), (4, TABS, 0));
}

#[test]
fn without_locks_it_is_hardly_more() {
    let mut world = World::new((0..=255).rev().collect(), false);
    world.sign_in(3);
    world.pass(HOUR);
    assert!(world.server.asked <= 8, "{}", world.server.asked);
    assert_eq!((world.signed_in(), world.ended.len()), (TABS, 0));
}

#[derive(Clone, Debug)]
enum Deed {
    Pass(u32),
    Refresh(usize),
    Freeze(usize, u32),
    Cut(bool),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1_u32..400_000).prop_map(Deed::Pass),
        3 => (0..TABS).prop_map(Deed::Refresh),
        2 => (0..TABS, 1_u32..1_200_000).prop_map(|(tab, ms)| Deed::Freeze(tab, ms)),
        1 => any::<bool>().prop_map(Deed::Cut),
    ]
}

fn play(world: &mut World, deeds: &[Deed]) {
    for deed in deeds {
        match *deed {
            Deed::Pass(ms) => world.pass(f64::from(ms)),
            Deed::Refresh(tab) if world.frozen[tab] <= world.now => world.feed(tab, Event::Wanted { eager: true }),
            Deed::Refresh(_) => {}
            Deed::Freeze(tab, ms) => world.frozen[tab] = world.now + f64::from(ms),
            Deed::Cut(cut) => world.cut = cut,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Tabs freeze, messages are late, people press reload: everybody stays signed in.
    #[test]
    fn nobody_is_signed_out_by_accident(deeds in prop::collection::vec(deed(), 1..12), delays in prop::collection::vec(any::<u8>(), 7..40), locks: bool) {
        let mut world = World::new(delays, locks);
        world.sign_in(0);
        let deeds: Vec<Deed> = deeds.into_iter().filter(|deed| !matches!(deed, Deed::Cut(_))).collect();
        play(&mut world, &deeds);
        world.frozen = vec![0.0; TABS];
        world.pass(HOUR / 2.0);
        prop_assert_eq!((world.signed_in(), world.ended.len()), (TABS, 0));
    }

    /// Whose requests reach nobody, for however long, goes on where he was. (A request whose answer alone is lost has to be repeated
    /// within the server's grace period, which is another matter.)
    #[test]
    fn a_cut_network_signs_nobody_out(cut in 0_u32..2_000_000, delays in prop::collection::vec(any::<u8>(), 7..40)) {
        let mut world = World::new(delays.iter().map(|delay| delay / 2).collect(), true);
        world.sign_in(0);
        world.cut = true;
        world.pass(f64::from(cut));
        world.cut = false;
        world.pass(HOUR / 2.0);
        prop_assert_eq!((world.signed_in(), world.ended.len()), (TABS, 0));
    }

    /// Whatever is in flight when somebody signs out: in the end nobody is signed in, anywhere.
    #[test]
    fn signed_out_is_signed_out(deeds in prop::collection::vec(deed(), 0..8), leaves in 0..TABS, racing in prop::collection::vec((0..TABS, 0_u32..300), 0..5), delays in prop::collection::vec(any::<u8>(), 7..40), locks: bool) {
        let mut world = World::new(delays, locks);
        world.sign_in(0);
        play(&mut world, &deeds);
        world.cut = false;
        if world.tabs[leaves].session().is_some() {
            world.frozen[leaves] = 0.0;
            // Refreshes on their way there, at the server and back.
            for (tab, ms) in racing {
                world.feed(tab, Event::Wanted { eager: true });
                world.pass(f64::from(ms));
            }
            world.feed(leaves, Event::SignOut);
            world.frozen = vec![0.0; TABS];
            // At once, and not when somebody asks the server.
            world.pass(SOON);
            prop_assert_eq!(world.signed_in(), 0);
            world.pass(HOUR / 2.0);
            prop_assert_eq!((world.signed_in(), world.stored, world.server.current), (0, None, None));
        }
    }
}
