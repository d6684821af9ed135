//! Texts: what goes into XML or a URL, what comes from a provider into a log, and base64 as XML holds it.

use alloc::{string::String, vec::Vec};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Longest text of a provider that is repeated in a log, in characters: enough for an explanation.
const SHOWN: usize = 300;

/// A text of somebody else, fit for a log: without control characters, and not without end.
pub(crate) fn shown(text: &str) -> String {
    let printable = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    text.chars().take(SHOWN).map(printable).collect()
}

/// A text as the content of an element or of an attribute in double quotes, in its canonical form (Canonical XML 1.0,
/// section 2.3), so that what we sign reads the same wherever it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            // No XML can hold these (XML 1.0, production 2).
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Base64 as XML holds it, with white space anywhere.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

/// Bytes as base64.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A URL with a query added to its own, without a fragment.
pub(crate) fn with_query(url: &str, query: &str) -> String {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    [url, joint, query].concat()
}

/// Whether a text is an address of the web that a browser may be sent to.
pub(crate) fn is_web_address(url: &str) -> bool {
    let scheme = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    (scheme("https://") || scheme("http://"))
        && rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"\"<>`"#.contains(&byte))
        && !rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_xml_stays_text() {
        assert_eq!(escaped("a<b>&\"c\"\r\n\u{1}"), "a&lt;b&gt;&amp;&quot;c&quot;&#13;&#10;\u{fffd}");
    }

    #[test]
    fn queries_are_added() {
        assert_eq!(with_query("https://a/b#c", "d=e"), "https://a/b?d=e");
        assert_eq!(with_query("https://a/b?x=y", "d=e"), "https://a/b?x=y&d=e");
        assert_eq!(with_query("https://a/b?", "d=e"), "https://a/b?d=e");
    }

    #[test]
    fn addresses_of_the_web_are_told_from_others() {
        for url in ["https://idp.example.com/sso?a=b", "http://127.0.0.1:9000/", "https://[::1]/x"] {
            assert!(is_web_address(url), "{url}");
        }
        for url in
            ["", "javascript:alert(1)", "//a", "https://", "https:///x", "https://u@a/", "https://a b/", "ftp://a/"]
        {
            assert!(!is_web_address(url), "{url}");
        }
    }

    #[test]
    fn base64_may_have_lines() {
        assert_eq!(base64(" YW\r\nJj\t").as_deref(), Some(&b"abc"[..]));
        assert_eq!(base64("YW*j"), None);
        assert_eq!(base64("YWJjZA"), None, "padding is not left out in XML");
    }
}
