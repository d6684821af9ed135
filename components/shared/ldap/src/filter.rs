//! What a search looks for. Built as a tree and sent as one (RFC 4511, section 4.5.1.7): a value is a string of bytes in it
//! and never part of a text that is parsed, so there is nothing in it to escape.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;
use rasn_ldap::{AttributeValueAssertion, Filter as Wire, MatchingRuleAssertion};

/// Active Directory's rule for members of members (`LDAP_MATCHING_RULE_IN_CHAIN`).
pub const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// What entries have to fulfil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// They are there.
    Any,
    /// An attribute has a value.
    Equals(String, String),
    /// An attribute has a value by Active Directory's rule for members of members.
    InChain(String, String),
    /// One of these.
    OneOf(Vec<Filter>),
}

impl Filter {
    /// An attribute has a value.
    #[must_use]
    pub fn equals(attribute: &str, value: &str) -> Self {
        Self::Equals(attribute.into(), value.into())
    }

    pub(crate) fn wire(&self) -> Wire {
        match self {
            Self::Any => Wire::Present("objectClass".into()),
            Self::Equals(attribute, value) => {
                let (attribute, value) = (attribute.as_str().into(), value.as_bytes().to_vec().into());
                Wire::EqualityMatch(AttributeValueAssertion::new(attribute, value))
            }
            Self::InChain(attribute, value) => Wire::ExtensibleMatch(MatchingRuleAssertion::new(
                Some(IN_CHAIN.into()),
                Some(attribute.as_str().into()),
                value.as_bytes().to_vec().into(),
                false,
            )),
            Self::OneOf(filters) => Wire::Or(filters.iter().map(Self::wire).collect::<Vec<_>>().into()),
        }
    }

    /// For the log (RFC 4515, section 3), where it must not look like another filter.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Any => "(objectClass=*)".into(),
            Self::Equals(attribute, value) => ["(", attribute, "=", &escaped(value), ")"].concat(),
            Self::InChain(attribute, value) => ["(", attribute, ":", IN_CHAIN, ":=", &escaped(value), ")"].concat(),
            Self::OneOf(filters) => {
                let parts: Vec<String> = filters.iter().map(Self::shown).collect();
                ["(|", &parts.concat(), ")"].concat()
            }
        }
    }
}

/// Everything that means something in a filter, and everything that cannot be seen, as `\xx`.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars() {
        if matches!(letter, '(' | ')' | '*' | '\\') || letter.is_control() {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                // A text takes whatever is written to it.
                let _ = write!(text, "\\{byte:02x}");
            }
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_filter_in_the_log_is_escaped() {
        let told = Filter::equals("cn", "a)(cn=*\\\0\u{85}ü").shown();
        assert_eq!(told, "(cn=a\\29\\28cn=\\2a\\5c\\00\\c2\\85ü)");
        let one_of = Filter::OneOf([Filter::equals("a", "b"), Filter::InChain("m".into(), "x=y".into())].into());
        assert_eq!(one_of.shown(), "(|(a=b)(m:1.2.840.113556.1.4.1941:=x=y))");
    }

    proptest! {
        #[test]
        fn whatever_a_value_is_it_stays_one_value(value: String) {
            let bytes = rasn::ber::encode(&Filter::equals("cn", &value).wire()).unwrap();
            match rasn::ber::decode::<Wire>(&bytes).unwrap() {
                Wire::EqualityMatch(found) => {
                    prop_assert_eq!(&found.attribute_desc.0, "cn");
                    prop_assert_eq!(&found.assertion_value[..], value.as_bytes());
                }
                other => prop_assert!(false, "{other:?}"),
            }
            let shown = Filter::equals("cn", &value).shown();
            let inner = &shown[4..shown.len() - 1];
            prop_assert!(!inner.contains(['(', ')', '*', '\0']), "{inner}");
        }
    }

    /// Each character that means something in a filter (RFC 4515) or in a name (RFC 4514).
    #[test]
    fn characters_with_a_meaning_have_none_in_a_value() {
        for letter in ['(', ')', '*', '\\', '\0', '&', '|', '!', '=', '<', '>', '~', ':', ',', '+', '"', ';', '#', ' ']
        {
            let value = alloc::format!("{letter}alice{letter}");
            let bytes = rasn::ber::encode(&Filter::equals("cn", &value).wire()).unwrap();
            assert!(bytes.windows(value.len()).any(|window| window == value.as_bytes()), "{letter:?}");
            assert!(matches!(rasn::ber::decode::<Wire>(&bytes), Ok(Wire::EqualityMatch(_))), "{letter:?}");
        }
    }
}
