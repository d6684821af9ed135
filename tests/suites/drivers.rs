//! What every driver must do, first-party or not, each in a host in memory. A driver of the server without a person to sign
//! in here fails, so that none is forgotten; and drivers that misbehave fail, so that the rules can.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use e2e::directory::{self, Directory};
use e2e::guests;
use e2e::host::contract::{Description, Format, Identity, Refusal, Subject};
use e2e::host::{DriverHost, DriverWorld};

use crate::guests::{CONFUSED, ROGUE, TRESPASSER};
use crate::redirect_drivers;

e2e::suite! {
    every_driver_of_the_server_keeps_the_contract,
    a_driver_that_does_not_is_told_apart,
}

/// A person that a driver knows, in the world that it finds.
struct Person {
    driver: &'static str,
    world: DriverWorld,
    /// What the person types, and who that is.
    right: &'static [&'static str],
    subject: Subject,
    /// What nobody types.
    wrong: &'static [&'static [&'static str]],
}

/// The driver `ldap` asks this directory, and so do the others nobody.
fn people(directory: &Directory) -> Vec<Person> {
    let url = format!("ldap://127.0.0.1:{}", directory.port);
    let settings = [
        ("client-url", url.as_str()),
        ("bind-dn", directory::SERVICE.0),
        ("bind-password", directory::SERVICE.1),
        ("user-dn", "ou=people"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let ldap = Person {
        driver: "ldap",
        world: DriverWorld { settings: settings.into(), ..DriverWorld::default() },
        right: &[directory::PERSON.1, directory::PERSON.2],
        subject: Subject::Identifier(directory::PERSON.0.to_owned()),
        wrong: &[&["alice", "Alice-password"], &["ghost", "alice-password"], &["alice", ""], &["", ""]],
    };
    let world = DriverWorld {
        passwords: [("user@example.com".to_owned(), "User-password1".to_owned())].into(),
        ..DriverWorld::default()
    };
    let local = Person {
        driver: "local",
        world,
        right: &["user@example.com", "User-password1"],
        subject: Subject::Email("user@example.com".to_owned()),
        wrong: &[&["user@example.com", "user-password1"], &["ghost@example.com", "User-password1"], &["", ""]],
    };
    vec![ldap, local]
}

/// The drivers that take no credentials, but send the browser away.
const AWAY: [&str; 2] = ["oauth2", "openid"];

/// Values that break those who believe what they are told.
const HOSTILE: [&str; 8] = ["", " ", "\0", "\r\nX: y", "' OR 1=1 --", "*)(uid=*", "{{7*7}}", "\u{202e}\u{fe0f}"];

/// The drivers of the server: everything that is built for it but the rules.
fn drivers() -> anyhow::Result<Vec<(String, PathBuf)>> {
    let folder = guests::first_party("auth")?;
    let folder = folder.parent().context("no folder")?;
    let mut found = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "wasm") && name != "auth" {
            found.push((name, path));
        }
    }
    ensure!(!found.is_empty(), "no driver in {}", folder.display());
    Ok(found)
}

async fn every_driver_of_the_server_keeps_the_contract() -> anyhow::Result<()> {
    let directory = Directory::start(None)?;
    let people = people(&directory);
    for (name, file) in drivers()? {
        let verdict = match people.iter().find(|person| person.driver == name) {
            Some(person) => keeps_the_contract(&name, &file, person),
            None if AWAY.contains(&name.as_str()) => redirect_drivers::keeps_the_contract(&name, &file),
            // What it reads and writes are signed messages: its contract is kept in `suites/saml`, at real providers.
            None if name == "saml" => Ok(()),
            None => bail!("nobody signs in with the driver `{name}` here"),
        };
        verdict.with_context(|| format!("the driver `{name}`"))?;
    }
    Ok(())
}

/// All rules, in the order of the contract.
fn keeps_the_contract(name: &str, file: &Path, person: &Person) -> anyhow::Result<()> {
    let driver = DriverHost::load(file)?;
    describes_itself(&driver, name)?;
    knows_its_person(&driver, person)?;
    refuses_everybody_else(&driver, person)?;
    survives_nonsense(&driver, person)?;
    says_when_it_cannot_know(&driver, person)
}

fn describes_itself(driver: &DriverHost, name: &str) -> anyhow::Result<()> {
    let Description { name: called, fields, settings } = driver.describe()?;
    ensure!(called == name, "it calls itself `{called}`");
    ensure!(driver.describe()?.fields.len() == fields.len(), "it describes itself differently each time");
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    for (place, field) in fields.iter().enumerate() {
        ensure!(plain(&field.name), "the field `{}` has no plain name", field.name);
        ensure!(fields[..place].iter().all(|other| other.name != field.name), "two fields `{}`", field.name);
        ensure!(!(field.identifies && field.format == Format::Password), "a password names an account");
    }
    ensure!(fields.iter().filter(|field| field.identifies).count() == 1, "not exactly one field names the account");
    for (place, setting) in settings.iter().enumerate() {
        ensure!(!setting.help.is_empty(), "the setting `{}` has no help", setting.name);
        ensure!(settings[..place].iter().all(|other| other.name != setting.name), "two settings `{}`", setting.name);
        ensure!(!(setting.required && setting.default.is_some()), "`{}` is required and has a default", setting.name);
        ensure!(!(setting.secret && setting.default.is_some()), "`{}` is secret and has a default", setting.name);
    }
    Ok(())
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn sign_in(driver: &DriverHost, person: &Person, values: &[&str]) -> anyhow::Result<Result<Identity, Refusal>> {
    let (answer, world) = driver.login(person.world.clone(), &texts(values))?;
    // Whatever else is in a log, no password is: those of the world, and what was typed in place of one.
    let secrets = person.world.passwords.values().map(String::as_str).chain(values.last().copied());
    for secret in secrets.filter(|secret| secret.len() >= 8) {
        ensure!(world.log.iter().all(|line| !line.contains(secret)), "a password is in the log: {:?}", world.log);
        ensure!(!format!("{:?}", answer.as_ref().err()).contains(secret), "a password is in a refusal");
    }
    Ok(answer)
}

fn knows_its_person(driver: &DriverHost, person: &Person) -> anyhow::Result<()> {
    for _ in 0..2 {
        match sign_in(driver, person, person.right)? {
            Ok(identity) => {
                ensure!(identity.subject == person.subject, "{:?}", identity.subject);
                ensure!(identity.claims.starts_with('{'), "claims are no JSON object: {}", identity.claims);
            }
            Err(refusal) => bail!("its person is refused: {refusal:?}"),
        }
    }
    Ok(())
}

/// A wrong password and an unknown person are one and the same.
fn refuses_everybody_else(driver: &DriverHost, person: &Person) -> anyhow::Result<()> {
    for wrong in person.wrong {
        let answer = sign_in(driver, person, wrong)?;
        ensure!(answer == Err(Refusal::InvalidCredentials), "{wrong:?} is answered with {answer:?}");
    }
    Ok(())
}

/// Values in a number that was not asked for, and values that nobody would type, are refused and never trap.
fn survives_nonsense(driver: &DriverHost, person: &Person) -> anyhow::Result<()> {
    let long = "x".repeat(1 << 20);
    let mut tries: Vec<Vec<&str>> = vec![vec![], vec!["one"], vec!["x"; 3], vec!["x"; 100], vec![&long, &long]];
    tries.extend(HOSTILE.map(|value| vec![value; person.right.len()]));
    tries.extend(HOSTILE.map(|value| person.right.iter().take(1).copied().chain([value]).collect()));
    for values in tries {
        let answer = sign_in(driver, person, &values);
        let shown: Vec<_> = values.iter().map(|value| value.chars().take(20).collect::<String>()).collect();
        let answer = answer.with_context(|| format!("it traps at {shown:?}"))?;
        ensure!(answer.is_err(), "{shown:?} signs in");
    }
    Ok(())
}

/// A driver that cannot ask anybody must not say that the credentials are wrong.
fn says_when_it_cannot_know(driver: &DriverHost, person: &Person) -> anyhow::Result<()> {
    let world = DriverWorld { passwords_are_away: true, ..person.world.clone() };
    let (answer, _) = driver.login(world, &texts(person.right))?;
    match answer {
        Err(Refusal::Unavailable(_) | Refusal::Overloaded(_)) => Ok(()),
        other => bail!("with nobody to ask it answers {other:?}"),
    }
}

async fn a_driver_that_does_not_is_told_apart() -> anyhow::Result<()> {
    let directory = Directory::start(None)?;
    let person = people(&directory).pop().context("nobody")?;
    for guest in [ROGUE, CONFUSED, TRESPASSER] {
        let verdict = keeps_the_contract("local", &guests::file(guest)?, &person);
        ensure!(verdict.is_err(), "{guest:?} keeps the contract");
    }
    Ok(())
}
