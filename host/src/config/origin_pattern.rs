//! Regular expressions over origins, as lists of origins are written (`regex:/^https:\/\/.+\.example\.com$/`).
//!
//! By the `regex` crate, which takes time linear in the origin whatever the pattern; what it does not know of JavaScript's
//! (look-around, back-references) is refused when the pattern is read, so nothing is guessed.

use regex::Regex;
use std::fmt;

/// Bytes of a compiled pattern: far beyond what a list of domains needs.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Longest origin that is judged: a DNS name has 253 letters at most (RFC 1035, section 3.1), and a scheme and a port come
/// to it.
const ORIGIN_BYTES_MAX: usize = 512;

/// A compiled pattern.
#[derive(Clone)]
pub struct OriginPattern(Regex);

impl OriginPattern {
    /// Compiles a pattern, perhaps between slashes. The error says what is wrong with it.
    pub(super) fn compile(source: &str) -> Result<Self, String> {
        // JavaScript's slashes may be escaped.
        let source = source.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or(source);
        let source = source.replace("\\/", "/");
        let compiled = regex::RegexBuilder::new(&source).size_limit(COMPILED_BYTES_MAX).build();
        // The last line of the message says what, those before it show where.
        compiled.map(Self).map_err(|error| {
            let message = error.to_string();
            message.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
        })
    }

    /// Whether an origin is let in.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        origin.len() <= ORIGIN_BYTES_MAX && self.0.is_match(origin)
    }
}

impl PartialEq for OriginPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for OriginPattern {}

impl fmt::Debug for OriginPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/{}/", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_or_do_not() {
        let pattern = OriginPattern::compile(r"^https:\/\/([a-z0-9-]+\.)?example\.com$").unwrap();
        assert!(pattern.matches("https://example.com") && pattern.matches("https://a.example.com"));
        assert!(!pattern.matches("https://example.com.evil.example") && !pattern.matches("http://example.com"));
        assert!(!pattern.matches(&format!("https://{}.example.com", "a".repeat(600))));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for source in ["(", "(?=a)", r"\1", "a{99999}{99999}"] {
            assert!(OriginPattern::compile(source).is_err(), "{source}");
        }
    }
}
