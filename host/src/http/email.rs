//! Whether a text is an e-mail address, by the rules of the validator behind Directus (Joi).
//!
//! Stricter than RFC 5322 (no quoted local parts, no comments, no address literals) and than most validators: the domain
//! must end in a top-level domain that IANA lists. Letters of any script are allowed on both sides (RFC 6531). Invariant: a
//! pure yes or no. Deliberately absent: any normalisation; accounts are compared elsewhere.

use url::Url;

/// RFC 5321 §4.5.3.1.3, in UTF-16 code units, less the angle brackets.
const MAX_ADDRESS_UNITS: usize = 254;
/// RFC 5321 §4.5.3.1.1, in bytes.
const MAX_LOCAL_BYTES: usize = 64;
/// RFC 1035 §2.3.4, in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// Whether `address` is valid. The empty text is not.
pub(crate) fn is_valid(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    address.encode_utf16().count() <= MAX_ADDRESS_UNITS && is_local_part(local) && is_domain(domain)
}

fn is_local_part(local: &str) -> bool {
    let allowed = |character: char| {
        !character.is_ascii() || character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
    };
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(allowed))
}

fn is_domain(domain: &str) -> bool {
    let forbidden = |character: char| character <= ' ' || "@:/\\#!$&'()*+,;=?%".contains(character);
    if domain.contains(forbidden) {
        return false;
    }
    let ascii = ascii_domain(domain);
    let labels: Vec<_> = ascii.split('.').collect();
    match labels.split_last() {
        Some((top, rest)) if !rest.is_empty() => {
            tld::exist_case_insensitive(top) && is_label(top) && rest.iter().all(|label| is_label(label))
        }
        _ => false,
    }
}

/// The domain as a browser would resolve it (UTS #46), or unchanged where a browser would refuse it.
fn ascii_domain(domain: &str) -> String {
    let url = Url::parse(&format!("http://{domain}"));
    url.ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| domain.to_owned())
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let hyphen_outside = label.starts_with('-') || label.ends_with('-');
    (1..=MAX_LABEL_BYTES).contains(&label.len()) && label.bytes().all(allowed) && !hyphen_outside
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rustfmt::skip]
    const VALID: &[&str] = &[
        "a@b.co", "user@example.com", "USER@EXAMPLE.COM", "a@b--c.co", "a+b@c.co", "o'hara@c.co", "a@1.com",
        "a@xn--bcher-kva.de", "a@bücher.de", "a@BÜCHER.de", "jörg@example.com", "a@例子.中国", "a@example.xn--fiqs8s",
        "😀@example.com", "a@😀.com", "a%b@c.co", "{a}@c.co", "a|b@c.co", "`a@c.co", "a~b@c.co",
        "a!#$%&'*+-/=?^_`{|}~@c.co", "a\u{a0}b@c.co", "a\u{200b}b@c.co", "a@\u{200b}b.co", "a@b\u{ad}.co", "a@ß.de",
        "a@faß.de", "éééééééééééééééééééééééééééééééé@b.co", "a@b。co", "a@b．co", "a@EXAMPLE.COM", "a@example.COM",
        "a@e.museum", "a@e.dev", "a@e.zip", "a@e.arpa", "a@1.2.3.com", "a@a.b.c.d.e.com", "a@xn--a.com",
        "a@a.xn--p1ai", "a@пример.рф",
    ];

    #[rustfmt::skip]
    const INVALID: &[&str] = &[
        "a@b", "a@example.local", "a@example.test", "a@localhost", " a@b.co", "a@b.co ", "a b@c.co", "a..b@c.co",
        ".a@b.co", "a.@b.co", "a@@b.co", "a@b@c.co", "@b.co", "a@", "a", "a@.co", "a@b..co", "a@b.co.", "a@-b.co",
        "a@b-.co", "a@b_c.co", "a\"b@c.co", "\"a b\"@c.co", "a(b)@c.co", "a,b@c.co", "a@c,b.co", "a:b@c.co",
        "a@[127.0.0.1]", "a@127.0.0.1", "a@b.c", "a@b.1com", "用户@例子.广告", "a@example.xn--zzzz", "a\u{0}@b.co",
        "a@b\u{0}.co", "a@b.co\n", "a\t@b.co", "a@b.co/x", "a@b.co?x", "a@b.co#x", "a@b.co:80", "a@b%2e.co",
        "a@b%61.co", "a@%61.co", "a\\b@c.co", "a<b@c.co", "a;b@c.co", "é..x@c.co",
        "ééééééééééééééééééééééééééééééééé@b.co", "a@e.onion", "a@e.invalid", "a@é", "a@0x7f.1", "a@xn--.com",
    ];

    #[test]
    fn what_joi_accepts_is_accepted() {
        for address in VALID {
            assert!(is_valid(address), "{address:?}");
        }
    }

    #[test]
    fn what_joi_refuses_is_refused() {
        for address in INVALID {
            assert!(!is_valid(address), "{address:?}");
        }
    }

    #[test]
    fn a_local_part_has_64_bytes_at_most() {
        assert!(is_valid(&format!("{}@b.co", "a".repeat(64))));
        assert!(!is_valid(&format!("{}@b.co", "a".repeat(65))));
        assert!(is_valid(&format!("{}@b.co", "é".repeat(32))));
        assert!(!is_valid(&format!("{}@b.co", "é".repeat(33))));
    }

    #[test]
    fn a_label_has_63_bytes_at_most_after_punycode() {
        assert!(is_valid(&format!("a@{}.com", "a".repeat(63))));
        assert!(!is_valid(&format!("a@{}.com", "a".repeat(64))));
        assert!(!is_valid(&format!("a@{}.com", "ü".repeat(60))));
    }

    #[test]
    fn an_address_has_254_units_at_most() {
        let address = |last: usize| format!("a@{0}.{0}.{0}.{1}.com", "a".repeat(63), "a".repeat(last));
        assert_eq!(address(56).len(), 254);
        assert!(is_valid(&address(56)));
        assert!(!is_valid(&address(57)));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC{0,20}@\\PC{0,20}") {
            let _ = is_valid(&text);
        }
    }
}
