//! Names of entries (RFC 4514): read, compared, never composed.

use crate::limits::NAME_BYTES;
use alloc::{string::String, vec::Vec};

/// Parts of a name that are read. Trees have a handful.
const PARTS_MAX: usize = 256;

/// A name, its parts from the entry up to the root. Each part is a set of types and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Vec<Vec<Pair>>);

/// One type with its value, in clear. Values in hexadecimal (`#04…`) stay as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    kind: String,
    value: String,
}

impl Name {
    /// Reads a name. `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > NAME_BYTES {
            return None;
        }
        if text.trim().is_empty() {
            return Some(Self(Vec::new()));
        }
        let mut parts = Vec::new();
        for part in split(text, |byte| matches!(byte, b',' | b';'))? {
            let pairs = split(part, |byte| byte == b'+')?.into_iter().map(pair).collect::<Option<Vec<_>>>()?;
            parts.push(pairs);
            if parts.len() > PARTS_MAX {
                return None;
            }
        }
        Some(Self(parts))
    }

    /// The value of the first part, by which people call the entry.
    #[must_use]
    pub fn called(&self) -> Option<&str> {
        self.0.first()?.first().map(|pair| pair.value.as_str())
    }

    /// Whether the entry is this one, or lies below it. Case and spaces around do not count: that is how nearly all
    /// attributes in names compare (RFC 4518), and where one does not, two names that differ in case are of one family.
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        let Some(skipped) = self.0.len().checked_sub(base.0.len()) else { return false };
        let same = |(left, right): (&Vec<Pair>, &Vec<Pair>)| {
            left.len() == right.len() && left.iter().all(|pair| right.iter().any(|other| pair.equals(other)))
        };
        self.0.iter().skip(skipped).zip(&base.0).all(same)
    }
}

impl Pair {
    fn equals(&self, other: &Self) -> bool {
        self.kind.eq_ignore_ascii_case(&other.kind) && self.value.to_lowercase() == other.value.to_lowercase()
    }
}

/// Cuts at bytes that are neither escaped nor in quotes. `None` if a quote or an escape does not end.
fn split(text: &str, cuts: impl Fn(u8) -> bool) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (place, byte) in text.bytes().enumerate() {
        if is_escaped {
            is_escaped = false;
        } else if byte == b'\\' {
            is_escaped = true;
        } else if byte == b'"' {
            is_quoted = !is_quoted;
        } else if cuts(byte) && !is_quoted {
            parts.push(text.get(start..place)?);
            start = place + 1;
        }
    }
    parts.push(text.get(start..)?);
    (!is_quoted && !is_escaped).then_some(parts)
}

fn pair(text: &str) -> Option<Pair> {
    let (kind, value) = text.split_once('=')?;
    let kind = kind.trim();
    let is_kind = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if kind.is_empty() || !kind.bytes().all(is_kind) {
        return None;
    }
    Some(Pair { kind: kind.into(), value: unescaped(value)? })
}

/// A value in clear: without the spaces around it, without quotes (RFC 1779), with escapes undone.
fn unescaped(text: &str) -> Option<String> {
    let text = text.trim_start_matches(' ');
    let (mut bytes, mut rest, mut kept) = (Vec::with_capacity(text.len()), text.bytes(), 0);
    let mut is_quoted = false;
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => {
                let first = rest.next()?;
                let is_digit = first.is_ascii_hexdigit();
                bytes.push(if is_digit { digit(first)? << 4 | digit(rest.next()?)? } else { first });
                kept = bytes.len();
            }
            b'"' => {
                is_quoted = !is_quoted;
                kept = bytes.len();
            }
            byte => {
                bytes.push(byte);
                if is_quoted || byte != b' ' {
                    kept = bytes.len();
                }
            }
        }
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn called(text: &str) -> Option<String> {
        Name::parse(text)?.called().map(Into::into)
    }

    #[test]
    fn entries_are_called_by_their_first_value() {
        for (text, name) in [
            ("CN=Admins,OU=Groups,DC=example,DC=com", "Admins"),
            ("cn = Two Words , ou=x", "Two Words"),
            ("CN=Sales\\, EMEA,OU=x", "Sales, EMEA"),
            ("CN=\"Sales, EMEA\",OU=x", "Sales, EMEA"),
            ("cn=J\\C3\\BCrgen,dc=x", "Jürgen"),
            ("cn=\\20spaces\\20,dc=x", " spaces "),
            ("cn=ends\\ ,dc=x", "ends "),
            ("cn=a\\+b\\\"c\\\\d\\<e\\>f\\;g\\#h\\=i,dc=x", "a+b\"c\\d<e>f;g#h=i"),
            ("cn=a+uid=b,dc=x", "a"),
            ("2.5.4.3=x", "x"),
            ("cn=", ""),
        ] {
            assert_eq!(called(text).as_deref(), Some(name), "{text}");
        }
        for text in ["cn", "cn=\"open", "cn=x\\", "cn=x\\4", "=x", "c n=x", "cn=a,,dc=x", "cn=\\ff"] {
            assert_eq!(called(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_below_is_known_however_it_is_written() {
        let within = |name: &str, base: &str| Name::parse(name).unwrap().is_within(&Name::parse(base).unwrap());
        assert!(within("cn=a,ou=Groups,dc=x", "OU=groups, DC=X"));
        assert!(within("ou=groups,dc=x", "ou=groups,dc=x"));
        assert!(within("cn=a,cn=b+uid=c,dc=x", "UID=C+cn=b,dc=x"));
        assert!(within("cn=a", ""));
        assert!(!within("cn=a,ou=groups,dc=y", "ou=groups,dc=x"));
        assert!(!within("dc=x", "ou=groups,dc=x"));
        // A comma in a value is none between parts.
        assert!(!within("cn=a\\,ou=groups,dc=x", "ou=groups,dc=x"));
        assert!(!within("cn=\"a,ou=groups\",dc=x", "ou=groups,dc=x"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_none(text: String, other: String) {
            if let (Some(name), Some(other)) = (Name::parse(&text), Name::parse(&other)) {
                let _ = name.is_within(&other);
                prop_assert!(name.is_within(&name));
            }
        }

        #[test]
        fn names_made_of_what_they_are_made_of(text in "[acnu=,;+\\\\\" #0-9]{0,40}") {
            if let Some(name) = Name::parse(&text) {
                prop_assert!(name.is_within(&name));
            }
        }

        #[test]
        fn any_value_survives_its_escapes(value in "\\PC{1,40}") {
            let escaped: String = value.bytes().flat_map(|byte| format!("\\{byte:02X}").into_bytes()).map(char::from).collect();
            prop_assert_eq!(called(&format!("cn={escaped},dc=x")), Some(value));
        }
    }
}
