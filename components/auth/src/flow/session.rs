//! Session ids, their families and successors.
//!
//! An id is 64 letters out of `A-Za-z0-9_-`. The first 22 name the family, which lasts from sign-in to sign-out; the
//! rest is new with every refresh. The successor of an id is derived from it with a key, so that the same id presented
//! twice meets the same successor, without the successor being stored in clear anywhere.

use alloc::string::String;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Letters of a session id; Directus's column holds no more.
pub const ID_LENGTH: usize = 64;

/// Letters that name the family: 132 bits.
pub const FAMILY_LENGTH: usize = 22;

/// Random bytes for a new id: 48 bytes are 64 letters.
pub const ENTROPY_BYTES: usize = 48;

/// A new family with its first id.
#[must_use]
pub fn first(entropy: &[u8; ENTROPY_BYTES]) -> String {
    URL_SAFE_NO_PAD.encode(entropy)
}

/// The id that follows `id`; `mac` is the key's code for `id`, 32 bytes. Ids that Directus made have a successor too.
#[must_use]
pub fn successor(id: &str, mac: &[u8]) -> String {
    let mut next: String = id.chars().take(FAMILY_LENGTH).collect();
    URL_SAFE_NO_PAD.encode_string(mac, &mut next);
    next.truncate(ID_LENGTH);
    next
}

/// Whether a text has the shape of an id, so that it is worth a look at its family.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_length_and_letters_of_the_wire() {
        let id = first(&[251; ENTROPY_BYTES]);
        assert!(is_id(&id), "{id}");
        let next = successor(&id, &[250; 32]);
        assert!(is_id(&next), "{next}");
    }

    #[test]
    fn a_successor_stays_in_the_family_and_differs() {
        let id = first(&[7; ENTROPY_BYTES]);
        let next = successor(&id, &[9; 32]);
        assert_eq!(id[..FAMILY_LENGTH], next[..FAMILY_LENGTH]);
        assert_ne!(id, next);
        assert_eq!(next, successor(&id, &[9; 32]));
        assert_ne!(next, successor(&id, &[10; 32]));
    }

    #[test]
    fn other_texts_are_not_ids() {
        for text in ["", "short", &"é".repeat(32), &"a".repeat(65), &"+".repeat(64)] {
            assert!(!is_id(text), "{text}");
        }
    }
}
