//! How messages travel: deflated in a query that is signed as a whole, or in a form with the signature inside (SAML bindings,
//! sections 3.4 and 3.5).

use crate::{
    Keys, Refusal,
    key::Key,
    metadata::Binding,
    names::{self, ENVELOPED, EXCLUSIVE, Hash, SIGNATURE},
    refusal::refused,
    signature::{by_one_of, hashed},
    text::{base64, to_base64, with_query},
    xml::{MOST_BYTES, Tree},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

/// Longest value of a parameter that is looked at, in bytes: base64 of the longest message, with line ends.
const MOST_BYTES_OF_PARAMETER: usize = MOST_BYTES * 3 / 2;

/// Which parameter holds a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Kind {
    fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// Where a browser takes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The address.
    pub url: String,
    /// The form to post there; empty if it just goes there.
    pub form: Vec<(String, String)>,
}

/// A message of ours.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Which parameter it is.
    pub kind: Kind,
    /// Its ID.
    pub id: &'a str,
    /// The message.
    pub xml: &'a str,
    /// What the provider hands back.
    pub relay_state: Option<&'a str>,
    /// Whether it is signed.
    pub is_signed: bool,
}

impl Outgoing<'_> {
    /// Sends it somewhere.
    pub fn to(&self, url: &str, binding: Binding, keys: &impl Keys) -> Result<Destination, Refusal> {
        match binding {
            Binding::Redirect => self.in_query(url, keys),
            Binding::Post => self.in_form(url, keys),
        }
    }

    fn in_query(&self, url: &str, keys: &impl Keys) -> Result<Destination, Refusal> {
        let message = encoded(&to_base64(&stored(self.xml.as_bytes())), Style::PLAIN);
        let mut query = format!("{}={message}", self.kind.parameter());
        if let Some(relay_state) = self.relay_state {
            query.push_str("&RelayState=");
            query.push_str(&encoded(relay_state, Style::PLAIN));
        }
        if self.is_signed {
            let (uri, _) = own_algorithm(keys)?;
            query.push_str("&SigAlg=");
            query.push_str(&encoded(uri, Style::PLAIN));
            let signature = keys.sign(query.as_bytes()).map_err(no_key)?;
            query.push_str("&Signature=");
            query.push_str(&encoded(&to_base64(&signature), Style::PLAIN));
        }
        Ok(Destination { url: with_query(url, &query), form: Vec::new() })
    }

    fn in_form(&self, url: &str, keys: &impl Keys) -> Result<Destination, Refusal> {
        let message = if self.is_signed { enveloped(self.xml, self.id, keys)? } else { self.xml.to_string() };
        let mut form = Vec::from([(self.kind.parameter().to_string(), to_base64(message.as_bytes()))]);
        form.extend(self.relay_state.map(|state| (String::from("RelayState"), state.to_string())));
        Ok(Destination { url: url.to_string(), form })
    }
}

fn no_key(why: impl core::fmt::Display) -> Refusal {
    Refusal::Misconfigured(format!("messages are to be signed, and `SP_PRIVATE_KEY` cannot be used: {why}"))
}

/// Our algorithm, by the names of XML and of JWA.
fn own_algorithm(keys: &impl Keys) -> Result<(&'static str, String), Refusal> {
    let algorithm = keys.algorithm().map_err(no_key)?;
    let uri = names::signature_uri(&algorithm).ok_or_else(|| no_key(format!("SAML has no name for {algorithm}")))?;
    Ok((uri, algorithm))
}

/// Puts our signature behind the issuer of a message.
fn enveloped(xml: &str, id: &str, keys: &impl Keys) -> Result<String, Refusal> {
    let (uri, _) = own_algorithm(keys)?;
    let tree = Tree::message(xml)?;
    let digest = to_base64(&hashed(Hash::Sha256, &tree.root().canonical("", None)?));
    // In its canonical form, which has the declaration of its prefix; inside of the signature it is inherited.
    let info = |declaration: &str| {
        format!(
            "<ds:SignedInfo{declaration}><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{uri}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform>\
             </ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
    };
    let declaration = format!(" xmlns:ds=\"{SIGNATURE}\"");
    let value = to_base64(&keys.sign(info(&declaration).as_bytes()).map_err(no_key)?);
    let signature =
        format!("<ds:Signature{declaration}>{}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>", info(""));
    let end = "</saml:Issuer>";
    let (before, after) = xml.split_once(end).ok_or_else(|| refused("a message of ours has no issuer"))?;
    Ok([before, end, &signature, after].concat())
}

/// A message of the provider, as it came.
#[derive(Debug)]
pub struct Incoming {
    /// Which parameter it was.
    pub kind: Kind,
    /// The message.
    pub xml: String,
    /// What we handed over, or what we are to hand back.
    pub relay_state: Option<String>,
    query: Option<SignedQuery>,
}

#[derive(Debug)]
struct SignedQuery {
    message: String,
    algorithm: String,
    signature: Vec<u8>,
}

/// The one parameter of a name; one that is there twice is none.
#[must_use]
pub fn single<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = parameters.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    found.next().filter(|_| found.next().is_none())
}

/// Reads the message of a query or a form.
pub fn receive(parameters: &[(String, String)]) -> Result<Incoming, Refusal> {
    let kinds = [Kind::Request, Kind::Response].map(|kind| (kind, single(parameters, kind.parameter())));
    let ([(kind, Some(message)), (_, None)] | [(_, None), (kind, Some(message))]) = kinds else {
        return Err(refused("there is not one `SAMLRequest` or one `SAMLResponse`"));
    };
    let relay_state = single(parameters, "RelayState").map(ToString::to_string);
    let Some(algorithm) = single(parameters, "SigAlg") else {
        // A query without signature is as good as a form without one.
        return Ok(Incoming {
            kind,
            xml: from_form(message).or_else(|_| from_query(message))?,
            relay_state,
            query: None,
        });
    };
    let signature = single(parameters, "Signature").and_then(base64);
    let signature = signature.ok_or_else(|| refused("there is a `SigAlg` and no `Signature` in base64"))?;
    let query = SignedQuery { message: message.to_string(), algorithm: algorithm.to_string(), signature };
    Ok(Incoming { kind, xml: from_query(message)?, relay_state, query: Some(query) })
}

impl Incoming {
    /// Whether a query bears a signature; that of a form is in the message.
    #[must_use]
    pub fn has_signed_query(&self) -> bool {
        self.query.is_some()
    }

    /// Verifies the signature of the query. What was signed is the query as it was written (bindings, section 3.4.4.1), which we
    /// have decoded, so each way in which software writes queries is tried.
    pub(crate) fn verify_query(&self, trusted: &[Key], keys: &impl Keys) -> Result<(), Refusal> {
        let query = self.query.as_ref().ok_or_else(|| refused("the query is not signed"))?;
        let algorithm = names::signature(&query.algorithm)?;
        let mut outcome = Err(refused("the query is not signed"));
        for style in Style::all() {
            let mut text = format!("{}={}", self.kind.parameter(), encoded(&query.message, style));
            if let Some(relay_state) = &self.relay_state {
                text.push_str("&RelayState=");
                text.push_str(&encoded(relay_state, style));
            }
            text.push_str("&SigAlg=");
            text.push_str(&encoded(&query.algorithm, style));
            outcome = by_one_of(trusted, algorithm, text.as_bytes(), &query.signature, keys);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// The message in a form.
pub fn from_form(value: &str) -> Result<String, Refusal> {
    let bytes = limited(value)?;
    if bytes.first().is_none_or(|first| !matches!(first, b'<' | 0xef | b' ' | b'\n' | b'\r' | b'\t')) {
        return Err(refused("the message is not XML"));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("the message is not UTF-8"))?;
    Ok(text.trim().to_string())
}

/// The message in a query.
fn from_query(value: &str) -> Result<String, Refusal> {
    let bytes = limited(value)?;
    let plain = decompress_to_vec_with_limit(&bytes, MOST_BYTES).map_err(|error| {
        let why = if error.status == TINFLStatus::HasMoreOutput { "is longer than any" } else { "is not deflated" };
        Refusal::Refused(format!("the message in the query {why}"))
    })?;
    String::from_utf8(plain).map_err(|_| refused("the message is not UTF-8"))
}

fn limited(value: &str) -> Result<Vec<u8>, Refusal> {
    if value.len() > MOST_BYTES_OF_PARAMETER {
        return Err(Refusal::Refused(format!("the message has more than {MOST_BYTES_OF_PARAMETER} bytes of base64")));
    }
    base64(value).ok_or_else(|| refused("the message is not base64"))
}

/// DEFLATE without compression (RFC 1951, section 3.2.4): a compressor takes more memory than everything else here, and saves
/// some hundred bytes of an address.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut deflated = Vec::new();
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        deflated.push(u8::from(blocks.peek().is_none()));
        deflated.extend(length.to_le_bytes());
        deflated.extend((!length).to_le_bytes());
        deflated.extend(block);
    }
    deflated
}

/// How software writes queries: letters that stay, spaces, hexadecimal digits.
#[derive(Debug, Clone, Copy)]
struct Style {
    stays: &'static [u8],
    space: &'static str,
    upper: bool,
}

impl Style {
    /// RFC 3986.
    const PLAIN: Self = Self { stays: b"-._~", space: "%20", upper: true };

    /// RFC 3986, browsers' `encodeURIComponent`, and forms as Java and PHP write them; .NET has small digits.
    fn all() -> impl Iterator<Item = Self> {
        let stays: [&[u8]; 4] = [b"-._~", b"-._~!'()*", b"-._*", b"-._!()*"];
        let spaced = stays.into_iter().flat_map(|stays| ["%20", "+"].map(|space| (stays, space)));
        spaced.flat_map(|(stays, space)| [true, false].map(|upper| Self { stays, space, upper }))
    }
}

fn encoded(text: &str, style: Style) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 8);
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push_str(style.space),
            _ if byte.is_ascii_alphanumeric() || style.stays.contains(&byte) => encoded.push(char::from(byte)),
            _ => {
                let digits = if style.upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
                let digit = |place: u8| digits.get(usize::from(place)).copied().map_or('0', char::from);
                encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn parameters(message: &str) -> Vec<(String, String)> {
        vec![("SAMLRequest".into(), message.into())]
    }

    #[test]
    fn what_is_stored_comes_back() {
        for length in [0, 1, 0xffff, 0x10000, 200_000] {
            let text = "x".repeat(length);
            if length > 0 {
                assert_eq!(from_query(&to_base64(&stored(text.as_bytes()))).unwrap(), text);
            }
        }
    }

    #[test]
    fn a_deflate_bomb_is_not_inflated() {
        let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b' '; 20_000_000], 9);
        assert!(bomb.len() < 30_000);
        let refusal = receive(
            &[parameters(&to_base64(&bomb)), vec![("SigAlg".into(), "a".into()), ("Signature".into(), "AA==".into())]]
                .concat(),
        );
        assert_eq!(refusal.unwrap_err().to_string(), "the message in the query is longer than any");
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        for (message, why) in [
            ("*", "the message is not base64"),
            ("YWJj", "the message in the query is not deflated"),
            (&"A".repeat(MOST_BYTES_OF_PARAMETER + 1), "the message has more than 393216 bytes of base64"),
        ] {
            assert_eq!(receive(&parameters(message)).unwrap_err().to_string(), why);
        }
        let twice = [parameters("YWJj"), parameters("YWJj")].concat();
        assert_eq!(receive(&twice).unwrap_err().to_string(), "there is not one `SAMLRequest` or one `SAMLResponse`");
    }

    #[test]
    fn queries_are_written_as_others_do() {
        let written: Vec<String> = Style::all().map(|style| encoded("a b~*'/+", style)).collect();
        assert_eq!(written.first().map(String::as_str), Some("a%20b~%2A%27%2F%2B"));
        assert!(written.iter().any(|text| text == "a+b%7E*%27%2F%2B"), "Java");
        assert!(written.iter().any(|text| text == "a%20b~*'%2F%2B"), "browsers");
        assert!(written.iter().any(|text| text == "a+b%7e*%27%2f%2b"), ".NET");
    }

    proptest! {
        #[test]
        fn any_parameters_are_read(name in "SAMLRe(quest|sponse)", message: String, bytes: Vec<u8>, more: bool) {
            let mut parameters = vec![(name, if more { message } else { to_base64(&bytes) })];
            let _ = receive(&parameters);
            parameters.extend([("SigAlg".into(), "x".into()), ("Signature".into(), "YQ==".into())]);
            let _ = receive(&parameters);
        }
    }
}
