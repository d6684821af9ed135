//! Forms: names and values as browsers encode them (`application/x-www-form-urlencoded`), in a body or a query.
//!
//! Invariant: the order is kept, and so is what comes twice. Absent: brackets, which are [`super::query`]'s.

use url::form_urlencoded;

/// Most parameters that are read. A provider sends a handful.
const PARAMETERS_MAX: usize = 100;

/// What a form says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(bytes)
                .take(PARAMETERS_MAX)
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with one more field at the end.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same as a query.
    pub(crate) fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }
}

impl FromIterator<(String, String)> for Form {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_and_repetition_are_kept() {
        let form = Form::parse(b"code=a%2Bb+c&state=&code=d&x");
        let found: Vec<_> = form.iter().collect();
        assert_eq!(found, [("code", "a+b c"), ("state", ""), ("code", "d"), ("x", "")]);
        assert_eq!((form.get("code"), form.get("y")), (Some("a+b c"), None));
        assert_eq!(form.to_query(), "code=a%2Bb+c&state=&code=d&x=");
    }

    proptest! {
        #[test]
        fn what_is_read_can_be_sent_on(text in "[a-z=&%+;\\PC]{0,40}") {
            let form = Form::parse(text.as_bytes());
            prop_assert_eq!(Form::parse(form.to_query().as_bytes()), form);
        }
    }
}
