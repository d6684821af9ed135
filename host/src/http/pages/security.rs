//! What pages may do: a strict policy of their own (Content Security Policy Level 3) in place of the API's.
//!
//! Scripts and styles are files of this server, and nothing is evaluated but WebAssembly. Nobody frames the pages, because a
//! click on them signs in. Operators may add where pictures come from, for a logo that lies elsewhere.

use crate::config::Directive;

const SCRIPTS: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:";

/// The policy. Of the operator's directives it takes the one about pictures.
pub(super) fn policy(directives: &[Directive]) -> String {
    let pictures = directives.iter().rev().find(|directive| directive.name == "img-src");
    let pictures = pictures.and_then(|directive| directive.value.as_deref()).unwrap_or_default();
    format!("{SCRIPTS} {pictures}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_add_pictures_and_nothing_else() {
        let directive = |name: &str, value: &str| Directive { name: name.to_owned(), value: Some(value.to_owned()) };
        assert_eq!(policy(&[]), SCRIPTS);
        assert_eq!(policy(&[directive("script-src", "*")]), SCRIPTS);
        let expected = format!("{SCRIPTS} https://cdn.example.com");
        assert_eq!(policy(&[directive("img-src", "https://cdn.example.com")]), expected);
    }
}
