//! How session tokens are kept.
//!
//! A database of our own holds hashes: whoever reads it cannot sign in with what is there. Where a Directus shares the
//! tables, tokens are in clear, because it looks them up so. Either way a token's family is a prefix of its key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Letters of a session token.
const TOKEN_LENGTH: usize = 64;

/// Letters at the start of a token that name its family (`gatewit:storage/sessions`).
const FAMILY_LENGTH: usize = 22;

/// Letters of a family in a hashed key: what 64 letters leave beside the 43 of a SHA-256. 126 bits.
const HASHED_FAMILY_LENGTH: usize = 21;

/// The form in which tokens are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// As `hash(family) ‖ hash(token)`. Tokens are random, so a plain hash is enough (RFC 9700 asks for no more).
    #[default]
    Hashed,
    /// As they are.
    Plain,
}

impl Form {
    /// The key of a token in the table.
    pub(crate) fn key(self, token: &str) -> String {
        match self {
            Self::Plain => token.to_owned(),
            Self::Hashed => {
                let mut key = family(token).map(hash).unwrap_or_default();
                key.truncate(HASHED_FAMILY_LENGTH);
                key.push_str(&hash(token));
                key
            }
        }
    }

    /// The keys of a token's family lie from the first text up to, not including, the second. A text that is no token
    /// has no family but itself.
    pub(crate) fn family_range(self, token: &str) -> (String, String) {
        let first = match (family(token), self) {
            (None, _) => {
                // Nothing that is kept holds a control character, so nothing else lies before the smallest of them.
                let key = self.key(token);
                let end = format!("{key}\u{1}");
                return (key, end);
            }
            (Some(family), Self::Plain) => family.to_owned(),
            (Some(family), Self::Hashed) => hash(family).chars().take(HASHED_FAMILY_LENGTH).collect(),
        };
        Self::range(first)
    }

    /// From the first to the last key of a family.
    pub(crate) fn range(family: String) -> (String, String) {
        // `~` sorts after every letter of a token.
        let end = format!("{family}~");
        (family, end)
    }

    /// The family that a key is of.
    pub(crate) fn family_of_key(self, key: &str) -> &str {
        key.get(..self.family_letters()).unwrap_or(key)
    }

    /// With how many letters a key names its family.
    pub(crate) fn family_letters(self) -> usize {
        match self {
            Self::Plain => FAMILY_LENGTH,
            Self::Hashed => HASHED_FAMILY_LENGTH,
        }
    }

    /// The keys of the family that a key is of.
    pub(crate) fn range_of_key(self, key: &str) -> (String, String) {
        match self {
            Self::Plain => self.family_range(key),
            Self::Hashed => Self::range(self.family_of_key(key).to_owned()),
        }
    }

    /// The name by which the family of a key is shown: the same in both forms, and nothing that a token begins with.
    pub(crate) fn name_of_key(self, key: &str) -> String {
        match self {
            Self::Plain => hash(family(key).unwrap_or(key)).chars().take(HASHED_FAMILY_LENGTH).collect(),
            Self::Hashed => self.family_of_key(key).to_owned(),
        }
    }

    /// The name by which a token's family is shown.
    pub(crate) fn name(self, token: &str) -> String {
        self.name_of_key(&self.key(token))
    }

    /// Whether a text can be the name of a family. What is shorter would name many.
    pub(crate) fn is_name(text: &str) -> bool {
        text.len() == HASHED_FAMILY_LENGTH && text.bytes().all(is_letter)
    }

    /// A stored key as a token, where that is what it is.
    pub(crate) fn token(self, key: String) -> Option<String> {
        (self == Self::Plain).then_some(key)
    }
}

fn family(token: &str) -> Option<&str> {
    if token.len() == TOKEN_LENGTH && token.bytes().all(is_letter) { token.get(..FAMILY_LENGTH) } else { None }
}

/// Whether a byte is a letter of tokens.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(family: char, rest: char) -> String {
        format!("{}{}", family.to_string().repeat(FAMILY_LENGTH), rest.to_string().repeat(TOKEN_LENGTH - FAMILY_LENGTH))
    }

    #[test]
    fn keys_fit_the_column_and_do_not_show_the_token() {
        let key = Form::Hashed.key(&token('a', 'b'));
        assert_eq!(key.len(), 64);
        assert!(!key.contains("aaaa") && !key.contains("bbbb"));
        assert_eq!(Form::Plain.key("x"), "x");
    }

    #[test]
    fn a_family_holds_its_own_tokens_and_no_others() {
        for form in [Form::Hashed, Form::Plain] {
            let (first, end) = form.family_range(&token('a', 'b'));
            let holds = |token: &str| (first.as_str()..end.as_str()).contains(&form.key(token).as_str());
            assert!(holds(&token('a', 'b')));
            assert!(holds(&token('a', '_')));
            assert!(!holds(&token('b', 'b')));
            assert!(!holds(&token('A', 'b')));
        }
    }

    #[test]
    fn a_family_is_shown_under_a_name_that_tells_nothing_of_its_tokens() {
        for text in [token('a', 'b'), "no token".to_owned()] {
            let name = Form::Plain.name(&text);
            assert_eq!(name, Form::Hashed.name(&text));
            assert!(Form::is_name(&name) && !text.starts_with(&name), "{name}");
            for form in [Form::Hashed, Form::Plain] {
                let key = form.key(&text);
                assert_eq!(form.name_of_key(&key), name);
                let (first, end) = form.range_of_key(&key);
                assert!((first.as_str()..end.as_str()).contains(&key.as_str()));
            }
        }
        assert_eq!(Form::Plain.name(&token('a', 'b')), Form::Plain.name(&token('a', 'c')));
        assert_ne!(Form::Plain.name(&token('a', 'b')), Form::Plain.name(&token('b', 'b')));
        for text in ["", "a", &token('a', 'b'), "'aaaaaaaaaaaaaaaaaaaa", "éaaaaaaaaaaaaaaaaaaa"] {
            assert!(!Form::is_name(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_token_has_no_family_but_itself() {
        for form in [Form::Hashed, Form::Plain] {
            for text in ["", "a", &"a".repeat(63), &"%".repeat(64), &"é".repeat(32)] {
                let (first, end) = form.family_range(text);
                let holds = |token: &str| (first.as_str()..end.as_str()).contains(&form.key(token).as_str());
                assert!(holds(text), "{text}");
                assert!(!holds(&token('a', 'b')), "{text}");
            }
        }
    }
}
