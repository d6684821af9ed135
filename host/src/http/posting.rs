//! Pages that post a form by themselves: to a provider that wants one, and back to us.
//!
//! Invariant: whatever stands in the form is text, and the page can do nothing but post it. Absent: whom to post to.

use super::{form::Form, respond::Reply};
use std::fmt::Write as _;

/// What the page runs. It has no other script, and its digest below lets it have no other.
const SCRIPT: &str = "document.forms[0].submit()";

/// No frame, no other script, no style. Where a form may go is not restricted: providers send browsers on, and some browsers
/// hold that against the page, too.
const SECURITY: &str = "default-src 'none';script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=';base-uri \
                        'none';frame-ancestors 'none'";

/// The page that posts `form` to `url`. Without scripts a person sends it on by a button.
pub(super) fn page(url: &str, form: &Form) -> Reply {
    let mut html = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign-in</title>");
    // Writing to a string cannot fail.
    let _ = write!(html, "<form method=\"post\" action=\"{}\">", text(url));
    for (name, value) in form.iter() {
        let _ = write!(html, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", text(name), text(value));
    }
    let _ = write!(html, "<noscript><button>Continue</button></noscript></form><script>{SCRIPT}</script></html>");
    Reply::page(html, SECURITY)
}

/// A text between quotes (HTML Standard, section 13.1.2.3).
fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_lets_the_page_run_its_script() {
        assert!(SECURITY.contains(&format!("'sha256-{}'", STANDARD.encode(Sha256::digest(SCRIPT)))));
    }

    #[test]
    fn what_is_posted_is_text() {
        assert_eq!(text("\"><script>a&b</script>"), "&quot;&gt;&lt;script&gt;a&amp;b&lt;/script&gt;");
    }
}
