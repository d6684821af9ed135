//! The links in mails: where they may lead, and how a token gets into them.

use alloc::{format, string::String};

/// Whether a link may lead to `target`: it is in the list, or has the origin and path of an entry.
#[must_use]
pub fn is_listed(target: &str, list: &[String]) -> bool {
    if list.iter().any(|entry| entry == target) {
        return true;
    }
    let Some(wanted) = place(target) else { return false };
    list.iter().any(|entry| place(entry).as_ref() == Some(&wanted))
}

/// Origin and path. Only what a browser goes to has a place here, and only if it is written without anything that two
/// readers could read differently: no user, no backslash, no dot segments, nothing but ASCII.
fn place(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'@' | b'%' | b'<' | b'>' | b'"');
    let steps = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if authority.is_empty()
        || steps
        || !authority.bytes().all(plain)
        || !path.bytes().all(|byte| plain(byte) || byte == b'%')
    {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    Some((format!("{scheme}://{authority}"), if path.is_empty() { "/" } else { path }))
}

/// Scheme, host and port of a web address, as far as it is written so that all readers agree.
#[must_use]
pub fn origin(text: &str) -> Option<String> {
    place(text).map(|(origin, _)| origin)
}

/// A page of ours.
#[must_use]
pub fn own(public_url: &str, path: &str) -> String {
    format!("{}/{path}", public_url.trim_end_matches('/'))
}

/// Puts a token into the query of a link, before its fragment. Tokens are letters, digits, dots, dashes and underscores.
#[must_use]
pub fn with_token(link: &str, token: &str) -> String {
    let (front, fragment) = match link.split_once('#') {
        Some((front, fragment)) => (front, format!("#{fragment}")),
        None => (link, String::new()),
    };
    let join = match front.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{front}{join}token={token}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn origin_and_path_decide() {
        let list: Vec<_> = ["http://app.example.com/reset", "myapp://open"].iter().map(ToString::to_string).collect();
        for good in [
            "http://app.example.com/reset",
            "http://app.example.com/reset?lang=en#x",
            "HTTP://APP.example.com/reset",
            "myapp://open",
        ] {
            assert!(is_listed(good, &list), "{good}");
        }
        for bad in [
            "http://app.example.com/reset/more",
            "https://app.example.com/reset",
            "http://app.example.com:81/reset",
            "http://app.example.com.evil.example/reset",
            "http://app.example.com@evil.example/reset",
            "http://user@app.example.com/reset",
            "http://app.example.com/reset/../more",
            "myapp://open?x",
            "javascript:alert(1)",
            "//app.example.com/reset",
            "abc",
            "",
        ] {
            assert!(!is_listed(bad, &list), "{bad}");
        }
        assert!(!is_listed("http://app.example.com/reset", &[]));
    }

    #[test]
    fn tokens_go_before_the_fragment() {
        assert_eq!(with_token("http://a/r?lang=en#x", "t"), "http://a/r?lang=en&token=t#x");
        assert_eq!(with_token("http://a/r", "t"), "http://a/r?token=t");
        assert_eq!(with_token("http://a/r?#x", "t"), "http://a/r?token=t#x");
    }

    #[test]
    fn pages_of_ours_lie_below_the_public_url() {
        assert_eq!(own("/", "admin/reset-password"), "/admin/reset-password");
        assert_eq!(own("https://a.example/sub/", "admin/x"), "https://a.example/sub/admin/x");
    }
}
