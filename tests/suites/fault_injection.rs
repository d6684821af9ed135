//! Every import of every driver of the server, made to fail, to take an hour and to lie, at each of its calls, at all of them, and
//! in pairs, over a sign-in that succeeds where all is well.
//!
//! What may come of it:
//! - Nobody is ever signed in but the person who signs in.
//! - Where a fault *matters*, nobody is signed in at all: the driver refuses, or it traps, which is the same to the rules.
//! - A fault is *harmless* where the import is one that may forget or be slow by its contract; [`HARMLESS`] lists them, each
//!   with its reason. A driver that refuses there is right, too.
//! - A fault of one call is healed where the driver asks again and is told the truth: keys that do not fit, an unreadable copy.
//! - A fault is *beyond the driver* if what lies is what its trust rests on ([`BEYOND`]); the first rule holds all the same.

mod party;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use e2e::guests;
use e2e::host::faulty::{Conduct, Fault, FaultyHost, Import, Told, World, member, text};
use wasmtime::component::Val;

e2e::suite! {
    no_fault_of_an_import_of_local_signs_in,
    no_fault_of_an_import_of_ldap_signs_in,
    no_fault_of_an_import_of_oauth2_signs_in,
    no_fault_of_an_import_of_openid_signs_in,
    no_fault_of_an_import_of_saml_signs_in,
}

/// Faults that change nothing about who signs in: the driver (or all), the import, the conduct, and why.
const HARMLESS: &[(&str, Import, Conduct, &str)] = &[
    ("", Import::Log, Conduct::Fail, "who keeps no log still knows who signs in"),
    ("", Import::Log, Conduct::Lie, "the same"),
    ("", Import::Log, Conduct::OtherLie, "the same"),
    ("", Import::CacheGet, Conduct::Fail, "what was forgotten is asked for again"),
    ("", Import::CacheGet, Conduct::Lie, "what cannot be read is asked for again; keys are looked for again"),
    ("", Import::CacheGet, Conduct::OtherLie, "what is old is asked for again"),
    ("", Import::CachePut, Conduct::Fail, "what is not kept is asked for again"),
    ("", Import::CachePut, Conduct::Lie, "what cannot be read is asked for again"),
    ("", Import::CachePut, Conduct::OtherLie, "what is not found is asked for again"),
    ("oauth2", Import::Clock, Conduct::Lie, "plain OAuth 2.0 has no times; a clock only ends waiting"),
    ("oauth2", Import::Clock, Conduct::OtherLie, "the same"),
    ("ldap", Import::Clock, Conduct::Lie, "directories have no times; a clock only ends waiting"),
    ("ldap", Import::Clock, Conduct::OtherLie, "the same"),
];

/// Faults that no driver can see.
const BEYOND: &[(Import, Conduct, &str)] = &[
    (Import::KeyVerify, Conduct::OtherLie, "if every signature is right, there are none"),
    (Import::Random, Conduct::Lie, "who draws cannot know that the next one draws the same"),
];

/// Calls on whose outcome nothing depends: the driver, the import, which call, and why.
const IDLE: &[(&str, Import, u32, &str)] = &[
    ("openid", Import::Settings, 3, "the client's secret is read at the beginning and used at the end"),
    ("ldap", Import::Send, 4, "the farewell to the directory need not arrive"),
];

/// What a fault may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Harmless,
    Matters,
    Beyond,
}

/// An hour that passes is no fault by itself where nobody waits; and most calls of a clock are about waiting, so that it
/// has to be wrong at all of them.
fn weight(driver: &str, Fault { import, conduct, call }: Fault) -> Weight {
    let beyond = BEYOND.iter().any(|(of, how, _)| (*of, *how) == (import, conduct));
    let listed = |(of, which, how, _): &(&str, Import, Conduct, &str)| {
        (of.is_empty() || *of == driver) && (*which, *how) == (import, conduct)
    };
    let passes = conduct == Conduct::Delay && !import.waits();
    let once = import == Import::Clock && conduct != Conduct::Fail && call.is_some();
    let idle = IDLE.iter().any(|(of, which, at, _)| (*of, *which, Some(*at)) == (driver, import, call));
    if beyond {
        Weight::Beyond
    } else if HARMLESS.iter().any(listed) || passes || once || idle {
        Weight::Harmless
    } else {
        Weight::Matters
    }
}

/// Carries a sign-in out.
type Run = Box<dyn Fn(&FaultyHost, World) -> anyhow::Result<(Told, World)>>;

/// A sign-in that succeeds where all is well.
struct SignIn {
    driver: &'static str,
    host: FaultyHost,
    world: World,
    /// Who signs in.
    person: &'static str,
    run: Run,
}

/// How a sign-in ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    SignedIn(String),
    Refused(String),
    Trapped,
}

impl SignIn {
    fn end(&self, faults: &[Fault]) -> anyhow::Result<(End, BTreeMap<Import, u32>)> {
        let mut world = self.world.clone();
        world.faults = faults.to_vec();
        Ok(match (self.run)(&self.host, world) {
            Ok((Ok(identity), world)) => {
                let subject = member(&identity, "subject").and_then(text).context("an identity without a subject")?;
                (End::SignedIn(subject.to_owned()), world.calls)
            }
            Ok((Err(refusal), world)) => (End::Refused(format!("{refusal:?}")), world.calls),
            Err(_) => (End::Trapped, BTreeMap::new()),
        })
    }

    /// One case. What it ended in, if that is right. A driver that was told something wrong once may ask once more, and
    /// believe the truth.
    fn case(&self, faults: &[Fault], usual: &BTreeMap<Import, u32>) -> anyhow::Result<End> {
        let (end, calls) = self.end(faults)?;
        if let End::SignedIn(who) = &end {
            ensure!(who == self.person, "{faults:?} signs `{who}` in");
            let weights: Vec<_> = faults.iter().map(|fault| weight(self.driver, *fault)).collect();
            let refuses = weights.contains(&Weight::Matters) && !weights.contains(&Weight::Beyond);
            let asked_again =
                |fault: &Fault| fault.call.is_some() && calls.get(&fault.import) > usual.get(&fault.import);
            ensure!(!refuses || faults.iter().all(asked_again), "{faults:?} signs in");
        }
        Ok(end)
    }

    /// All cases. An error tells all that are wrong.
    fn all(&self) -> anyhow::Result<()> {
        let (end, calls) = self.end(&[])?;
        ensure!(end == End::SignedIn(self.person.to_owned()), "without a fault it ends in {end:?}");
        let each = |import: Import| Conduct::ALL.map(|conduct| Fault { import, conduct, call: None });
        let always: Vec<Fault> = calls.keys().flat_map(|import| each(*import)).collect();
        let mut cases: Vec<Vec<Fault>> = always.iter().map(|fault| vec![*fault]).collect();
        for (import, count) in &calls {
            for call in 1..=*count {
                cases.extend(each(*import).map(|fault| vec![Fault { call: Some(call), ..fault }]));
            }
        }
        let single = cases.len();
        for (place, one) in always.iter().enumerate() {
            let others = always.iter().skip(place + 1).filter(|other| other.import != one.import);
            cases.extend(others.map(|other| vec![*one, *other]));
        }
        let (mut wrong, mut signed_in) = (Vec::new(), 0);
        for case in &cases {
            match self.case(case, &calls) {
                Ok(End::SignedIn(_)) => signed_in += 1,
                Ok(_) => {}
                Err(error) => wrong.push(error.to_string()),
            }
        }
        println!(
            "        {}: {} imports, {single} faults and {} pairs: {} refused, {signed_in} harmless, {} wrong",
            self.driver,
            calls.len(),
            cases.len() - single,
            cases.len() - signed_in - wrong.len(),
            wrong.len(),
        );
        ensure!(signed_in > 0, "nothing is harmless: does the sign-in work at all?");
        if wrong.is_empty() { Ok(()) } else { bail!("{} cases:\n{}", wrong.len(), wrong.join("\n")) }
    }
}

/// Types a name and a password.
fn login(values: [&str; 2]) -> [Val; 1] {
    [Val::List(values.map(|value| Val::String(value.to_owned())).into())]
}

async fn no_fault_of_an_import_of_local_signs_in() -> anyhow::Result<()> {
    let mut world = World::new(party::NOW, &[], party::nobody());
    world.account = Some(("ann@example.com".to_owned(), "Ann-password1".to_owned()));
    let run: Run =
        Box::new(|host, world| host.call(world, "credentials", "login", &login(["ann@example.com", "Ann-password1"])));
    let host = FaultyHost::load(&guests::first_party("local")?)?;
    let sign_in = SignIn { driver: "local", host, world, person: "ann@example.com", run };
    // Its one import has nothing that is harmless but to take long.
    sign_in.all()
}

async fn no_fault_of_an_import_of_ldap_signs_in() -> anyhow::Result<()> {
    use e2e::directory::{Directory, PERSON, SERVICE};
    let directory = Directory::start(None)?;
    let url = format!("ldap://127.0.0.1:{}", directory.port);
    let settings =
        [("client-url", url.as_str()), ("bind-dn", SERVICE.0), ("bind-password", SERVICE.1), ("user-dn", "ou=people")];
    let mut world = World::new(party::NOW, &settings, party::nobody());
    world.directory = directory.port;
    // Without a name anybody may search, and this directory looks everywhere; the person's own password counts all the same.
    world.sound = &["bind-dn", "user-dn"];
    let run: Run = Box::new(|host, world| host.call(world, "credentials", "login", &login([PERSON.1, PERSON.2])));
    let host = FaultyHost::load(&guests::first_party("ldap")?)?;
    SignIn { driver: "ldap", host, world, person: PERSON.0, run }.all()
}

async fn no_fault_of_an_import_of_oauth2_signs_in() -> anyhow::Result<()> {
    let host = FaultyHost::load(&guests::first_party("oauth2")?)?;
    let memory = party::Memory::default();
    let world = party::oauth2(memory.clone());
    let run: Run = Box::new(move |host, world| party::travel(host, world, &memory));
    SignIn { driver: "oauth2", host, world, person: party::ADDRESS, run }.all()
}

async fn no_fault_of_an_import_of_openid_signs_in() -> anyhow::Result<()> {
    let host = FaultyHost::load(&guests::first_party("openid")?)?;
    let memory = party::Memory::default();
    let world = party::openid(memory.clone())?;
    let run: Run = Box::new(move |host, world| party::travel(host, world, &memory));
    SignIn { driver: "openid", host, world, person: party::PERSON, run }.all()
}

async fn no_fault_of_an_import_of_saml_signs_in() -> anyhow::Result<()> {
    let host = FaultyHost::load(&guests::first_party("saml")?)?;
    SignIn { driver: "saml", host, world: party::saml()?, person: party::PERSON_OF_SAML, run: Box::new(party::bring) }
        .all()
}
