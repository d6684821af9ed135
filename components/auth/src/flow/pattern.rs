//! Regular expressions as operators write them: JavaScript's, perhaps between slashes with flags behind.
//!
//! They are matched in the sandbox, whose time is limited: an expression that never ends fails one call.

/// Whether a text matches. `None` if the expression is none.
#[must_use]
pub fn matches(expression: &str, text: &str) -> Option<bool> {
    let (body, flags) = match expression.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
        Some((body, flags)) if flags.bytes().all(|flag| flag.is_ascii_lowercase()) => (body, flags),
        _ => (expression, ""),
    };
    let regex = regress::Regex::with_flags(body, flags).ok()?;
    Some(regex.find(text).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_javascripts() {
        assert_eq!(matches("/^.{8,}$/", "12345678"), Some(true));
        assert_eq!(matches("^.{8,}$", "1234567"), Some(false));
        assert_eq!(matches("/^ABC$/i", "abc"), Some(true));
        // What Directus offers as a strong policy looks ahead.
        let strong = r"/(?=^.{8,}$)(?=.*\d)(?=.*[!@#$%^&*()_+}{';'?>.<,])(?!.*\s)(?=.*[A-Z])(?=.*[a-z]).*$/";
        assert_eq!(matches(strong, "Str0ng!pass"), Some(true));
        assert_eq!(matches(strong, "Str0ngpass"), Some(false));
    }

    #[test]
    fn what_is_no_expression_decides_nothing() {
        assert_eq!(matches("/(/", "x"), None);
        assert_eq!(matches("[", "x"), None);
    }
}
