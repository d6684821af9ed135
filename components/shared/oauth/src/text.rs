//! Texts: what goes into a URL or a form, what comes from a provider into a log, and which URLs are web addresses.

use alloc::string::String;

/// Longest text of a provider that is repeated in a log, in characters: enough for an explanation.
const SHOWN: usize = 300;

/// Longest URL that is used, in bytes: more than browsers and servers take.
const LONGEST_URL: usize = 4096;

/// A text of somebody else, fit for a log: without control characters, and not without end.
pub(crate) fn shown(text: &str) -> String {
    let printable = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    text.chars().take(SHOWN).map(printable).collect()
}

/// `application/x-www-form-urlencoded` (RFC 6749, appendix B).
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A URL with parameters added to its query, spaces as `%20` and without a fragment.
pub(crate) fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let mut text = String::from(url);
    match url.split_once('?') {
        None => text.push('?'),
        Some((_, "")) => {}
        Some(_) => text.push('&'),
    }
    // The letter `+` itself is `%2B` in a form, so each that is left is a space.
    text.push_str(&form(pairs).replace('+', "%20"));
    text
}

/// Whether a text is an absolute `http` or `https` URL with a host, and without a name, password or fragment. What could be
/// read in two ways is none.
pub(crate) fn is_web_address(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host =
        authority.rsplit_once(':').map_or(authority, |(host, port)| if is_port(port) { host } else { authority });
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"\#<>"{}|^`"#.contains(&byte));
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let numbered = |host: &str| host.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
    url.len() <= LONGEST_URL
        && (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
        && plain
        && !host.is_empty()
        && in_brackets.map_or_else(|| named(host), numbered)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a URL is encrypted on its way.
pub(crate) fn is_encrypted(url: &str) -> bool {
    url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn a_query_is_encoded_as_browsers_do_with_spaces_as_percent_20() {
        let pairs = [("scope", "openid profile"), ("a+b", "~*-._!'()"), ("u", "https://a/ü?x=1&y")];
        assert_eq!(
            with_query("https://op/auth#top", &pairs),
            "https://op/auth?scope=openid%20profile&a%2Bb=%7E*-._%21%27%28%29&u=https%3A%2F%2Fa%2F%C3%BC%3Fx%3D1%26y"
        );
        assert_eq!(with_query("https://op/auth?p=1", &[("a", "b")]), "https://op/auth?p=1&a=b");
        assert_eq!(with_query("https://op/auth?", &[("a", "b")]), "https://op/auth?a=b");
    }

    #[test]
    fn a_form_has_spaces_as_plus() {
        assert_eq!(form(&[("a", "b c"), ("d", "+")]), "a=b+c&d=%2B");
    }

    #[test]
    fn web_addresses_are_told_from_what_looks_like_one() {
        for url in ["https://op.example.com", "http://127.0.0.1:9000/a?b=c", "HTTPS://[::1]:8443/x", "https://a_b/"] {
            assert!(is_web_address(url), "{url}");
        }
        for url in [
            "",
            "https://",
            "https:///x",
            "ftp://a/",
            "file:///etc/passwd",
            "javascript://a",
            "//a/b",
            "https://user@a/",
            "https://user:pass@a/",
            "https://a:b/",
            "https://a:0/",
            "https://a:99999/",
            "https://a:+1/",
            "https://a/#x",
            "https://a\\@b/",
            "https://a b/",
            "https://ä/",
            "https://a/\r\nX: y",
            "https://[::1/",
            "https://a%2eb/",
        ] {
            assert!(!is_web_address(url), "{url}");
        }
        assert!(!is_web_address(&["https://a/", &"x".repeat(LONGEST_URL)].concat()));
    }

    #[test]
    fn what_is_shown_has_no_control_characters_and_an_end() {
        assert_eq!(shown("a\r\nb\u{1b}[0m"), "a\u{fffd}\u{fffd}b\u{fffd}[0m");
        assert_eq!(shown(&"x".repeat(1000)).len(), SHOWN);
    }

    proptest! {
        #[test]
        fn any_text_is_judged(url in any::<String>(), name in any::<String>(), value in any::<String>()) {
            let _ = is_web_address(&url);
            let query = with_query("https://op/", &[(&name, &value)]);
            let back = form_urlencoded::parse(query.split_once('?').unwrap().1.as_bytes()).next();
            prop_assert_eq!(back.map(|(name, value)| (name.to_string(), value.to_string())), Some((name, value)));
        }
    }
}
