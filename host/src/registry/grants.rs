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

/// What a generation may use that the one before could not, and the other way round.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: Vec<&'static str>,
    pub(crate) removed: Vec<&'static str>,
}

pub(super) fn difference(before: &[String], after: &[String]) -> Difference {
    let (before, after) = (capabilities(before), capabilities(after));
    Difference {
        added: after.difference(&before).copied().collect(),
        removed: before.difference(&after).copied().collect(),
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
        let before = imports(&["gatewit:log/log@0.1.0", "gatewit:cache/cache@0.1.0"]);
        let after = imports(&["gatewit:log/log@0.1.0", "gatewit:streams/streams@0.1.0"]);
        assert_eq!(difference(&before, &after), Difference { added: vec!["streams"], removed: vec!["cache"] });
        assert_eq!(difference(&after, &after), Difference::default());
    }
}
