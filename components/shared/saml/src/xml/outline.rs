//! The outline of a text, before it is parsed: how large, how deep, how many tags, and which kinds of markup.
//!
//! A walk over the bytes that keeps two numbers. It need not tell whether the text is XML; it sees at least as many tags, and at
//! least as deep ones, as the parser will.

use crate::{Refusal, refusal::refused};
use alloc::format;

/// Deepest element: an encrypted response is 10 deep, metadata in groups of groups 15.
const DEEPEST: usize = 32;

/// Most tags.
const MOST_TAGS: usize = 20_000;

/// Markup besides elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Markup {
    /// None: no software writes any into a message, and each kind of it has fooled somebody.
    Forbidden,
    /// Comments and processing instructions: people write documents.
    Comments,
}

/// Refuses what must not be parsed.
pub(super) fn check(text: &str, most_bytes: usize, markup: Markup) -> Result<(), Refusal> {
    if text.len() > most_bytes {
        return Err(Refusal::Refused(format!("it has {} bytes, at most {most_bytes} are read", text.len())));
    }
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    if rest.starts_with("<?xml ") {
        rest = after(rest, "?>").ok_or_else(|| refused("the XML declaration has no end"))?;
    }
    let (mut depth, mut tags) = (0_usize, 0_usize);
    while let Some((_, tag)) = rest.split_once('<') {
        tags += 1;
        if tags > MOST_TAGS {
            return Err(Refusal::Refused(format!("it has more than {MOST_TAGS} tags")));
        }
        rest = match tag.as_bytes().first() {
            Some(b'!' | b'?') => special(tag, markup)?,
            Some(b'/') => {
                depth = depth.saturating_sub(1);
                after(tag, ">").unwrap_or_default()
            }
            _ => {
                let (rest, is_closed) = opening(tag);
                if !is_closed {
                    depth += 1;
                }
                rest
            }
        };
        if depth > DEEPEST {
            return Err(Refusal::Refused(format!("it is more than {DEEPEST} elements deep")));
        }
    }
    Ok(())
}

fn after<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    text.split_once(end).map(|(_, rest)| rest)
}

/// What follows a comment and its like.
fn special(tag: &str, markup: Markup) -> Result<&str, Refusal> {
    let kind = match tag.as_bytes() {
        [b'!', b'-', b'-', ..] => "a comment",
        [b'!', b'[', ..] => "a CDATA section",
        [b'?', ..] => "a processing instruction",
        _ => "a document type",
    };
    let end = if kind == "a comment" { "-->" } else { "?>" };
    let is_allowed = markup == Markup::Comments && (tag.starts_with("!--") || tag.starts_with('?'));
    let text = tag.get(if kind == "a comment" { 3 } else { 1 }..).unwrap_or_default();
    match after(text, end) {
        Some(rest) if is_allowed => Ok(rest),
        _ => Err(Refusal::Refused(format!("it holds {kind}, which is not read"))),
    }
}

/// What follows an opening tag, and whether that closes itself.
fn opening(tag: &str) -> (&str, bool) {
    let mut quote = None;
    let mut before = ' ';
    for (place, letter) in tag.char_indices() {
        match (quote, letter) {
            (None, '>') => return (tag.get(place + 1..).unwrap_or_default(), before == '/'),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        before = letter;
    }
    ("", false)
}
