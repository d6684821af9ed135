//! Texts of somebody else, fit for a log.

use alloc::string::String;

/// Longest text that is repeated, in characters: enough for an explanation.
const SHOWN: usize = 300;

/// Without control characters, and not without end.
pub(crate) fn shown(text: &str) -> String {
    let printable = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    text.chars().take(SHOWN).map(printable).collect()
}
