//! Which groups somebody is in: which are asked about next, and where that ends.

use crate::{
    filter::Filter,
    limits::{BATCH, DEPTH, ENTRIES},
    name::Name,
};
use alloc::{
    collections::{BTreeSet, VecDeque},
    string::{String, ToString},
    vec::Vec,
};

/// How groups in groups are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// They are not.
    None,
    /// By asking for the groups of groups until there are none.
    Recursive,
    /// By Active Directory's rule for members of members.
    Rule,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name of its entry.
    pub name: String,
    /// What people call it.
    pub called: String,
}

/// Somebody's groups, as far as they are known.
#[derive(Debug, Default)]
pub struct Walk {
    seen: BTreeSet<String>,
    called: Vec<String>,
    waiting: VecDeque<(String, usize)>,
    depth: usize,
    is_cut: bool,
}

impl Walk {
    /// Takes groups that were found; those that are known already are not looked at again, so circles end.
    ///
    /// # Errors
    /// There are more of them than are looked at.
    pub fn found(&mut self, groups: impl IntoIterator<Item = Group>) -> Result<(), usize> {
        for group in groups {
            if !self.seen.insert(group.name.to_lowercase()) {
                continue;
            }
            if self.seen.len() > ENTRIES {
                return Err(ENTRIES);
            }
            if !self.called.contains(&group.called) {
                self.called.push(group.called);
            }
            if self.depth < DEPTH {
                self.waiting.push_back((group.name, self.depth + 1));
            } else {
                self.is_cut = true;
            }
        }
        Ok(())
    }

    /// Which groups have this one or that one as a member: what to ask next, if there is something.
    pub fn next_question(&mut self, attribute: &str) -> Option<Filter> {
        let (_, depth) = self.waiting.front()?;
        self.depth = *depth;
        let mut members = Vec::new();
        while members.len() < BATCH
            && let Some((name, _)) = self.waiting.pop_front_if(|(_, depth)| *depth == self.depth)
        {
            members.push(Filter::Equals(attribute.to_string(), name));
        }
        Some(Filter::OneOf(members))
    }

    /// Whether groups deeper down were left out.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What the groups are called.
    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.called
    }
}

/// The groups that an entry names itself (`memberOf`): those below `base`, if there is one. What is no name of an entry is
/// left out.
#[must_use]
pub fn named<'a>(values: impl Iterator<Item = &'a str>, base: Option<&Name>) -> Vec<Group> {
    let read = |text: &'a str| {
        let name = Name::parse(text)?;
        let called = name.called().filter(|called| !called.is_empty())?.to_string();
        let is_meant = base.is_none_or(|base| name.is_within(base));
        is_meant.then(|| Group { name: text.to_string(), called })
    };
    values.take(ENTRIES + 1).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};
    use proptest::prelude::*;

    fn group(name: &str) -> Group {
        Group { name: format!("cn={name},ou=groups"), called: name.into() }
    }

    #[test]
    fn groups_in_groups_are_asked_about_until_there_are_none() {
        let mut walk = Walk::default();
        walk.found([group("a"), group("b")]).unwrap();
        let question = walk.next_question("member").unwrap();
        assert_eq!(question.shown(), "(|(member=cn=a,ou=groups)(member=cn=b,ou=groups))");
        // A circle: what is known already is not asked about again, however it is written.
        let again = Group { name: "CN=A,ou=groups".into(), called: "A".into() };
        walk.found([group("c"), again]).unwrap();
        assert_eq!(walk.next_question("member").unwrap().shown(), "(|(member=cn=c,ou=groups))");
        walk.found([group("a"), group("c")]).unwrap();
        assert_eq!(walk.next_question("member"), None);
        assert!(!walk.is_cut());
        assert_eq!(walk.into_names(), ["a", "b", "c"]);
    }

    #[test]
    fn a_chain_without_end_is_cut() {
        let (mut walk, mut questions) = (Walk::default(), 0);
        walk.found([group("g0")]).unwrap();
        while walk.next_question("member").is_some() {
            questions += 1;
            walk.found([group(&format!("g{questions}"))]).unwrap();
        }
        assert_eq!((questions, walk.is_cut()), (DEPTH, true));
    }

    #[test]
    fn groups_without_end_are_an_error() {
        let mut walk = Walk::default();
        assert_eq!(walk.found((0..100_000).map(|number| group(&format!("g{number}")))), Err(ENTRIES));
    }

    #[test]
    fn questions_have_a_size() {
        let mut walk = Walk::default();
        walk.found((0..=BATCH).map(|number| group(&format!("g{number}")))).unwrap();
        let size = |question: Option<Filter>| match question {
            Some(Filter::OneOf(filters)) => filters.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!((size(walk.next_question("m")), size(walk.next_question("m"))), (BATCH, 1));
    }

    #[test]
    fn groups_that_an_entry_names_count_below_the_base() {
        let values = ["CN=Admins,OU=Groups,DC=x", "cn=other,ou=elsewhere,dc=x", "nonsense", "cn=,ou=groups,dc=x"];
        let base = Name::parse("ou=groups,dc=x").unwrap();
        let called = |base: Option<&Name>| -> Vec<String> {
            named(values.into_iter(), base).into_iter().map(|group| group.called).collect()
        };
        assert_eq!(called(Some(&base)), ["Admins"]);
        assert_eq!(called(None), ["Admins", "other"]);
    }

    proptest! {
        #[test]
        fn any_graph_of_groups_comes_to_an_end(edges in prop::collection::vec((0_u8..20, 0_u8..20), 0..80)) {
            let mut walk = Walk::default();
            walk.found([group("0")]).unwrap();
            let mut reached = vec![0_u8];
            while let Some(Filter::OneOf(asked)) = walk.next_question("m") {
                let above = |filter: &Filter| match filter {
                    Filter::Equals(_, name) => name[3..name.find(',').unwrap()].parse::<u8>().unwrap(),
                    _ => 0,
                };
                let members: Vec<u8> = asked.iter().map(above).collect();
                let found: Vec<u8> =
                    edges.iter().filter(|(from, _)| members.contains(from)).map(|(_, to)| *to).collect();
                reached.extend(&found);
                walk.found(found.iter().map(|number| group(&number.to_string()))).unwrap();
            }
            reached.sort_unstable();
            reached.dedup();
            prop_assert_eq!(walk.into_names().len(), reached.len());
        }
    }
}
