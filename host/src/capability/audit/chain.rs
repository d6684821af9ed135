//! The chain of the audit log: what each entry's hash is made of, and what a walk along the entries finds.
//!
//! An entry's hash is SHA-256 over the hash before it, its number and its text, so that no entry can be changed, moved,
//! left out or put in without changing all that follow. Anybody can make hashes; the last one is vouched for by a seal under
//! a key that follows from `SECRET`, which the database does not hold. Pure: no database, no clock.

use super::super::keys::hmac::{Seals, hex};
use serde_json::json;
use sha2::{Digest, Sha256};

/// What the hash before the first entry is.
pub(crate) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is on record where the head of the log was not what its seal says, when the next entry came.
pub(crate) const UNSEALED: &str = "audit.unsealed";

/// Letters of a text in an entry. Names and ids fit several times.
const TEXT_MAX: usize = 255;

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at_ms: u64,
    /// The account, or a word for the server itself.
    pub(crate) who: String,
    /// What was done: `session.delete`.
    pub(crate) what: String,
    /// What it was done to.
    pub(crate) object: String,
    /// `begun`, `done`, or why not.
    pub(crate) outcome: String,
    /// The id of the request in the log.
    pub(crate) request: Option<String>,
    /// Where it came from.
    pub(crate) address: Option<String>,
}

impl Entry {
    /// The entry as it can be stored and read back without a letter's difference, which would break its hash.
    pub(crate) fn storable(self) -> Self {
        let fit = |text: String| text.replace('\0', "\u{fffd}").chars().take(TEXT_MAX).collect::<String>();
        Self {
            at_ms: self.at_ms,
            who: fit(self.who),
            what: fit(self.what),
            object: fit(self.object),
            outcome: fit(self.outcome),
            request: self.request.map(fit),
            address: self.address.map(fit),
        }
    }
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its place. Negative and zero are nobody's.
    pub(crate) number: i64,
    pub(crate) entry: Entry,
    pub(crate) hash: String,
}

/// The last entry, as the log itself remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: i64,
    pub(crate) hash: String,
    pub(crate) seal: String,
}

impl Head {
    /// Whether nothing was ever written.
    pub(crate) fn is_blank(&self) -> bool {
        self.number == 0 && self.hash == NOTHING && self.seal.is_empty()
    }

    /// Whether the seal is ours.
    pub(crate) fn is_sealed(&self, seals: &Seals) -> bool {
        seals.fits(&sealed_text(self.number, &self.hash), &self.seal)
    }

    /// The head of a log that ends here.
    pub(crate) fn sealed(number: i64, hash: String, seals: &Seals) -> Self {
        let seal = seals.seal(&sealed_text(number, &hash));
        Self { number, hash, seal }
    }
}

fn sealed_text(number: i64, hash: &str) -> String {
    format!("gatewit audit head {number} {hash}")
}

/// The hash of an entry in its place.
pub(crate) fn hash(before: &str, number: i64, entry: &Entry) -> String {
    let Entry { at_ms, who, what, object, outcome, request, address } = entry;
    // JSON says where each text ends.
    let text = json!(["gatewit audit 1", before, number, at_ms, who, what, object, outcome, request, address]);
    hex(&Sha256::digest(text.to_string()))
}

/// Where the log is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// The first entry that is not as it was written; `None` if that cannot be told.
    pub(crate) number: Option<i64>,
    pub(crate) reason: &'static str,
}

/// What a walk along all entries has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Entries that are as they were written.
    pub(crate) entries: u64,
    pub(crate) head: Option<(i64, String)>,
    pub(crate) broken: Option<Break>,
}

/// A walk along the entries, in the order of their numbers.
pub(crate) struct Walk {
    last: i64,
    hash: String,
    noted: Option<Noted>,
    broken: Option<Break>,
}

/// The number and hash of an entry that somebody noted elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) number: i64,
    pub(crate) hash: String,
}

impl Noted {
    /// Reads `<number>:<hash>`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, hash) = text.trim().split_once(':')?;
        let fits = hash.len() == NOTHING.len() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = number.parse().ok().filter(|number| *number > 0)?;
        fits.then(|| Self { number, hash: hash.to_ascii_lowercase() })
    }
}

impl Default for Walk {
    fn default() -> Self {
        Self { last: 0, hash: NOTHING.to_owned(), noted: None, broken: None }
    }
}

impl Walk {
    /// A walk that has to come by an entry.
    pub(crate) fn by(noted: Option<Noted>) -> Self {
        Self { noted, ..Self::default() }
    }

    /// The number of the last entry that was looked at.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Whether there is no point in going on.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Looks at the next entry.
    pub(crate) fn step(&mut self, row: &Row) {
        if self.broken.is_some() {
            return;
        }
        let expected = self.last + 1;
        let reason = if row.number < expected {
            Some((row.number, "it was put in: entries begin with 1"))
        } else if row.number > expected {
            Some((expected, "it is missing"))
        } else if hash(&self.hash, row.number, &row.entry) != row.hash {
            Some((row.number, "it was changed, or one before it was"))
        } else if row.entry.what == UNSEALED {
            Some((row.number, "when it was written, the head before it bore no seal of this server"))
        } else if self.noted.as_ref().is_some_and(|noted| noted.number == row.number && noted.hash != row.hash) {
            Some((row.number, "it is not the one that was noted"))
        } else {
            None
        };
        if let Some((number, reason)) = reason {
            self.broken = Some(Break { number: Some(number), reason });
            return;
        }
        self.last = row.number;
        self.hash.clone_from(&row.hash);
    }

    /// Ends at the head.
    pub(crate) fn end(self, head: Option<&Head>, seals: &Seals) -> Found {
        let last = self.last;
        let at = |number, reason| Some(Break { number, reason });
        let broken = self.broken.or_else(|| match head {
            None => at(None, "the head is missing"),
            Some(head) if head.number > last => at(Some(last + 1), "it is missing, and so are all after it"),
            Some(head) if head.number < last => at(Some(head.number + 1), "it was put in behind the last one"),
            Some(head) if head.number == 0 => at(None, "it is empty: not even its beginning is on record"),
            Some(head) if self.noted.as_ref().is_some_and(|noted| noted.number > head.number) => {
                at(Some(last + 1), "it is missing: the log was longer when its head was noted")
            }
            Some(head) if head.hash != self.hash => at(Some(last), "it is not the one that the head tells of"),
            Some(head) if !head.is_sealed(seals) => {
                at(Some(last), "the head bears no seal under SECRET or GATEWIT_PREVIOUS_SECRETS")
            }
            Some(_) => None,
        });
        let entries = u64::try_from(last).unwrap_or_default();
        Found { entries, head: head.map(|head| (head.number, head.hash.clone())), broken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, capability::keys::hmac::Secrets};

    fn seals(secret: &str) -> Seals {
        Secrets { present: Secret::from(secret.to_owned()), earlier: Vec::new() }.audit()
    }

    fn entry(object: &str) -> Entry {
        Entry {
            at_ms: 1,
            who: "admin".to_owned(),
            what: "session.delete".to_owned(),
            object: object.to_owned(),
            outcome: "done".to_owned(),
            request: Some("request".to_owned()),
            address: None,
        }
    }

    /// A log of some entries.
    fn log(length: i64) -> (Vec<Row>, Head) {
        let (mut rows, mut before) = (Vec::new(), NOTHING.to_owned());
        for number in 1..=length {
            let entry = entry(&format!("session {number}"));
            let hash = hash(&before, number, &entry);
            before.clone_from(&hash);
            rows.push(Row { number, entry, hash });
        }
        (rows, Head::sealed(length, before, &seals("secret")))
    }

    fn walk(rows: &[Row], head: Option<&Head>) -> Option<(Option<i64>, &'static str)> {
        let mut walk = Walk::default();
        for row in rows {
            walk.step(row);
        }
        let found = walk.end(head, &seals("secret"));
        found.broken.map(|broken| (broken.number, broken.reason))
    }

    /// The same hashes that anybody can make, from some entry on.
    fn rewritten(rows: &mut [Row]) {
        let mut before = NOTHING.to_owned();
        for row in rows {
            row.hash = hash(&before, row.number, &row.entry);
            before.clone_from(&row.hash);
        }
    }

    #[test]
    fn a_log_that_nobody_touched_is_whole() {
        for length in [1, 2, 50] {
            let (rows, head) = log(length);
            assert_eq!(walk(&rows, Some(&head)), None);
        }
        let (rows, head) = log(3);
        let mut one = Walk::default();
        for row in &rows {
            one.step(row);
        }
        let found = one.end(Some(&head), &seals("secret"));
        assert_eq!((found.entries, found.head), (3, Some((3, head.hash))));
    }

    #[test]
    fn every_change_of_an_entry_is_found_where_it_is() {
        type Change = fn(&mut Entry);
        let changes: [Change; 7] = [
            |entry| entry.at_ms += 1,
            |entry| entry.who.push('x'),
            |entry| entry.what.push('x'),
            |entry| entry.object.clear(),
            |entry| entry.outcome = "begun".to_owned(),
            |entry| entry.request = None,
            |entry| entry.address = Some(String::new()),
        ];
        for change in changes {
            let (mut rows, head) = log(5);
            change(&mut rows[2].entry);
            assert_eq!(walk(&rows, Some(&head)), Some((Some(3), "it was changed, or one before it was")));
            // Whoever makes the hashes anew cannot make the seal.
            rewritten(&mut rows);
            let honest = walk(&rows, Some(&head));
            assert_eq!(honest, Some((Some(5), "it is not the one that the head tells of")));
            let forged = Head { hash: rows[4].hash.clone(), ..head.clone() };
            assert!(walk(&rows, Some(&forged)).unwrap().1.contains("no seal"));
            let forged = Head::sealed(5, rows[4].hash.clone(), &seals("guessed"));
            assert!(walk(&rows, Some(&forged)).unwrap().1.contains("no seal"));
        }
    }

    #[test]
    fn what_is_left_out_or_cut_off_is_found() {
        let (rows, head) = log(5);
        for missing in 0..5 {
            let mut rest = rows.clone();
            rest.remove(missing);
            let number = i64::try_from(missing).unwrap() + 1;
            assert_eq!(walk(&rest, Some(&head)).unwrap().0, Some(number));
        }
        let cut = Head { number: 3, hash: rows[2].hash.clone(), ..head.clone() };
        assert!(walk(&rows[..3], Some(&cut)).unwrap().1.contains("no seal"));
        assert_eq!(walk(&rows[..3], Some(&head)), Some((Some(4), "it is missing, and so are all after it")));
        assert_eq!(walk(&rows, None), Some((None, "the head is missing")));
        let blank = Head { number: 0, hash: NOTHING.to_owned(), seal: String::new() };
        assert!(blank.is_blank() && !head.is_blank());
        assert!(walk(&[], Some(&blank)).unwrap().1.contains("empty"));
    }

    #[test]
    fn what_is_moved_or_put_in_is_found() {
        let (rows, head) = log(5);
        let mut moved = rows.clone();
        (moved[1].entry, moved[2].entry) = (rows[2].entry.clone(), rows[1].entry.clone());
        (moved[1].hash, moved[2].hash) = (rows[2].hash.clone(), rows[1].hash.clone());
        assert_eq!(walk(&moved, Some(&head)).unwrap().0, Some(2));
        let behind = Row { number: 6, entry: entry("x"), hash: hash(&rows[4].hash, 6, &entry("x")) };
        let mut more = rows.clone();
        more.push(behind);
        assert_eq!(walk(&more, Some(&head)), Some((Some(6), "it was put in behind the last one")));
        let mut before = rows.clone();
        before.insert(0, Row { number: 0, entry: entry("x"), hash: hash(NOTHING, 0, &entry("x")) });
        assert_eq!(walk(&before, Some(&head)).unwrap().0, Some(0));
    }

    #[test]
    fn a_log_that_was_replaced_as_a_whole_is_told_by_what_was_noted() {
        let (rows, head) = log(5);
        let noted = |number: usize| Noted::parse(&format!("{number}:{}", rows[number - 1].hash)).unwrap();
        let found = |rows: &[Row], head: &Head, noted: Noted| {
            let mut walk = Walk::by(Some(noted));
            for row in rows {
                walk.step(row);
            }
            walk.end(Some(head), &seals("secret")).broken.map(|broken| (broken.number, broken.reason))
        };
        assert_eq!(found(&rows, &head, noted(3)), None);
        // Both are whole, and sealed: a copy from earlier days.
        let (short, short_head) = log(2);
        assert!(found(&short, &short_head, noted(3)).unwrap().1.contains("longer"));
        let other = Noted { number: 3, hash: NOTHING.to_owned() };
        assert_eq!(found(&rows, &head, other), Some((Some(3), "it is not the one that was noted")));
        for text in ["", "3", "3:", "3:xyz", &format!("0:{NOTHING}"), &format!("3:{}", &NOTHING[1..])] {
            assert_eq!(Noted::parse(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_stored_as_they_are_hashed() {
        let long = Entry { who: "é".repeat(300), object: "a\0b".to_owned(), ..entry("x") }.storable();
        assert_eq!((long.who.chars().count(), long.object.as_str()), (255, "a\u{fffd}b"));
        assert_eq!(long.clone().storable(), long);
    }
}
