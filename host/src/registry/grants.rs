//! What a component may use, by the names of capabilities, and how a new generation differs in that from the one before. Pure.

use std::collections::BTreeSet;

/// Imports by how they begin, and the capability that they are part of. What only looks like the system is `wasi`.
const CAPABILITIES: [(&str, &str); 15] = [
    ("gatewit:auth/pace", "pace"),
    ("gatewit:cache/", "cache"),
    ("gatewit:config/", "config"),
    ("gatewit:drivers/", "drivers"),
    ("gatewit:keys/", "keys"),
    ("gatewit:log/", "log"),
    ("gatewit:mail/", "mail"),
    ("gatewit:passwords/", "passwords"),
    ("gatewit:storage/", "storage"),
    ("gatewit:streams/", "streams"),
    ("wasi:http/outgoing-handler", "http"),
    ("wasi:clocks/", "clock"),
    ("wasi:random/", "random"),
    ("wasi:", "wasi"),
    ("", "types"),
];

/// What says nothing of what a component can do: types, and a system that is not there.
const HARMLESS: [&str; 2] = ["types", "wasi"];

/// The capabilities that imports ask for.
pub(super) fn capabilities(imports: &[String]) -> BTreeSet<&'static str> {
    let capability = |import: &String| {
        let found = CAPABILITIES.iter().find(|(start, _)| import.starts_with(start))?;
        Some(found.1).filter(|name| !HARMLESS.contains(name))
    };
    imports.iter().filter_map(capability).collect()
}

/// A capability that is asked for and not granted. Reading one's settings and writing a line is everybody's.
pub(super) fn beyond(imports: &[String], granted: &BTreeSet<String>) -> Option<&'static str> {
    const EVERYBODYS: [&str; 2] = ["config", "log"];
    let is_beyond = |name: &&str| !granted.contains(*name) && !EVERYBODYS.contains(name);
    capabilities(imports).into_iter().find(is_beyond)
}

/// What a generation may use and where it reaches: its manifest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) imports: Vec<String>,
    /// Hosts and sockets, by the settings of its providers as it reads them.
    pub(super) places: BTreeSet<String>,
}

/// What a generation may use that the one before could not, and the other way round.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
}

pub(super) fn difference(before: &Manifest, after: &Manifest) -> Difference {
    let (had, has) = (capabilities(&before.imports), capabilities(&after.imports));
    let more = |mine: &BTreeSet<&str>, others: &BTreeSet<&str>, places: &BTreeSet<String>, other: &BTreeSet<String>| {
        let names = mine.difference(others).map(|name| (*name).to_owned());
        names.chain(places.difference(other).map(|place| format!("reaches {place}"))).collect()
    };
    Difference {
        added: more(&has, &had, &after.places, &before.places),
        removed: more(&had, &has, &before.places, &after.places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn imports_are_told_as_capabilities() {
        let found = capabilities(&imports(&[
            "gatewit:config/settings@0.1.0",
            "gatewit:driver/types@0.1.0",
            "wasi:cli/environment@0.2.3",
            "wasi:clocks/wall-clock@0.2.12",
            "wasi:http/outgoing-handler@0.2.12",
            "wasi:http/types@0.2.12",
        ]));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["clock", "config", "http"]);
    }

    #[test]
    fn what_goes_beyond_a_grant_is_named() {
        let asked =
            imports(&["gatewit:log/log@0.1.0", "gatewit:cache/cache@0.1.0", "wasi:http/outgoing-handler@0.2.12"]);
        let granted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(beyond(&asked, &granted(&["cache", "http"])), None);
        assert_eq!(beyond(&asked, &granted(&["cache"])), Some("http"));
    }

    #[test]
    fn a_difference_has_two_sides() {
        let manifest = |names: &[&str], places: &[&str]| Manifest {
            imports: imports(names),
            places: places.iter().map(|place| (*place).to_owned()).collect(),
        };
        let before = manifest(&["gatewit:log/log@0.1.0", "gatewit:cache/cache@0.1.0"], &["a:443", "b:443"]);
        let after = manifest(&["gatewit:log/log@0.1.0", "gatewit:streams/streams@0.1.0"], &["b:443", "unix:/run/c"]);
        let found = difference(&before, &after);
        assert_eq!(found.added, ["streams", "reaches unix:/run/c"]);
        assert_eq!(found.removed, ["cache", "reaches a:443"]);
        assert_eq!(difference(&after, &after), Difference::default());
    }
}
