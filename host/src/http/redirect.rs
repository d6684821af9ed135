//! What stands in the body of a redirect, for a human whose client does not follow it.
//!
//! Invariant: the location is escaped where it becomes HTML. Deliberately absent: weights in `Accept`; the kind that is named
//! first wins.

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The content type and the body: text, a paragraph, or nothing, as the client likes. `reason` is the status in words.
pub(crate) fn body(reason: &str, location: &str, accept: Option<&str>) -> Option<(&'static str, String)> {
    let accept = accept.unwrap_or("*/*");
    let plain = ["text/plain", "text/*"].iter().filter_map(|kind| accept.find(kind)).min();
    let text = format!("{reason}. Redirecting to {location}");
    match (plain, accept.find("text/html")) {
        (Some(plain), Some(html)) if plain < html => Some((TEXT, text)),
        (_, Some(_)) => Some((HTML, format!("<p>{}</p>", escape_html(&text)))),
        (None, None) if !accept.contains("*/*") => None,
        _ => Some((TEXT, text)),
    }
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_anything_gets_text() {
        for accept in [None, Some("*/*"), Some("text/*"), Some("text/plain, text/html")] {
            let expected = Some((TEXT, "Found. Redirecting to ./admin".to_owned()));
            assert_eq!(body("Found", "./admin", accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_browser_gets_a_paragraph() {
        let browser = Some("text/html,application/xhtml+xml,*/*;q=0.8");
        let expected = "<p>Found. Redirecting to /a?b&amp;c=&#39;&lt;x&gt;&#39;</p>".to_owned();
        assert_eq!(body("Found", "/a?b&c='<x>'", browser), Some((HTML, expected)));
    }

    #[test]
    fn whoever_takes_neither_gets_nothing() {
        assert_eq!(body("Found", "/a", Some("application/json")), None);
    }
}
