//! Where one message ends and the next begins (X.690, section 8.1; RFC 4511, section 5.1).
//!
//! Invariant: a message's length is known and judged before its content is waited for, so a server that announces a
//! gigabyte is refused after six bytes.

use crate::limits::MESSAGE_BYTES;
use alloc::vec::Vec;

/// The tag of a message: a sequence.
const SEQUENCE: u8 = 0x30;

/// The form of a length that takes more than a byte.
const LONG_FORM: u8 = 0x80;

/// Bytes of a length that are read. Four is what Active Directory writes, whatever the length is.
const LENGTH_BYTES_MAX: usize = 4;

/// What came is no LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// A message begins with something else, or its length is written in a way that RFC 4511 forbids.
    Form,
    /// A message is longer than any that is read.
    TooLong,
}

/// Bytes as they come, cut into messages.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    start: usize,
}

impl Frames {
    /// Takes bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// The next message, if all of it has come.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, Garbage> {
        let waiting = self.bytes.get(self.start..).unwrap_or_default();
        let Some(length) = length(waiting)? else { return Ok(None) };
        if waiting.len() < length {
            return Ok(None);
        }
        let from = self.start;
        self.start += length;
        Ok(self.bytes.get(from..self.start))
    }
}

/// How long the message at the front is, with its head; `None` if that is not known yet.
fn length(bytes: &[u8]) -> Result<Option<usize>, Garbage> {
    let (first, second, rest) = match bytes {
        [] | [SEQUENCE] => return Ok(None),
        [SEQUENCE, second, rest @ ..] => (2, *second, rest),
        _ => return Err(Garbage::Form),
    };
    if second < LONG_FORM {
        return Ok(Some(first + usize::from(second)));
    }
    let count = usize::from(second & !LONG_FORM);
    // None at all would be the indefinite form, which RFC 4511, section 5.1 forbids.
    if count == 0 || count > LENGTH_BYTES_MAX {
        return Err(Garbage::Form);
    }
    let Some(digits) = rest.get(..count) else { return Ok(None) };
    let content = digits.iter().fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
    let length = content.checked_add(first + count).filter(|length| *length <= MESSAGE_BYTES);
    length.map(Some).ok_or(Garbage::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn all(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, Garbage> {
        let (mut frames, mut messages) = (Frames::default(), Vec::new());
        for piece in pieces {
            frames.push(piece);
            while let Some(message) = frames.next_message()? {
                messages.push(message.to_vec());
            }
        }
        Ok(messages)
    }

    #[test]
    fn messages_are_cut_wherever_the_network_cut_them() {
        let stream =
            [&[0x30, 2, 1, 2][..], &[0x30, 0x84, 0, 0, 0, 3, 7, 8, 9], &[0x30, 0x81, 1, 5], &[0x30, 0]].concat();
        let expected: Vec<Vec<u8>> =
            vec![stream[..4].into(), stream[4..13].into(), stream[13..17].into(), stream[17..].into()];
        assert_eq!(all(&[&stream]).unwrap(), expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(all(&bytes).unwrap(), expected);
    }

    #[test]
    fn a_gigabyte_is_refused_by_its_head() {
        assert_eq!(all(&[&[0x30, 0x84, 0x40, 0, 0, 0]]), Err(Garbage::TooLong));
        assert_eq!(all(&[&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]]), Err(Garbage::TooLong));
        let longest = u32::try_from(MESSAGE_BYTES - 6).unwrap().to_be_bytes();
        assert_eq!(all(&[&[&[0x30, 0x84][..], &longest].concat()]), Ok(vec![]));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [&[0x31][..], b"HTTP/1.1", &[0x30, 0x80, 0, 0], &[0x30, 0x85, 0, 0, 0, 0, 1], &[0x30, 0xff]] {
            assert_eq!(all(&[bytes]), Err(Garbage::Form), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_alike_whole_and_in_pieces(bytes in any::<Vec<u8>>(), at in 0_usize..64) {
            let at = at.min(bytes.len());
            let (left, right) = bytes.split_at(at);
            prop_assert_eq!(all(&[&bytes]), all(&[left, right]));
        }

        #[test]
        fn messages_of_any_size_are_found(sizes in prop::collection::vec(0_usize..70_000, 0..5)) {
            let mut stream = Vec::new();
            for size in &sizes {
                stream.extend([0x30, 0x84]);
                stream.extend(u32::try_from(*size).unwrap().to_be_bytes());
                stream.resize(stream.len() + size, 0);
            }
            let found: Vec<usize> = all(&[&stream]).unwrap().iter().map(|message| message.len() - 6).collect();
            prop_assert_eq!(found, sizes);
        }
    }
}
