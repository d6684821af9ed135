//! A letter as it goes out: headers, the text, and the page as its alternative (RFC 2046, section 5.1.4).
//!
//! Each try of a letter makes the same headers, so that a server or a mail program can tell that two copies are one.

use super::{
    project::{is_web, one_line},
    templates::Written,
};
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use std::time::{Duration, SystemTime};
use url::{Host, Url};

/// Tells other programs not to answer (RFC 3834, section 5).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Who letters are from.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    address: Address,
    /// The right side of message ids: a host of ours, so that they are nobody else's.
    host: String,
}

/// A letter, ready to go.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) id: String,
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) links: Vec<String>,
}

impl Sender {
    /// A sender; `None` if `from` is no address.
    pub(super) fn new(from: &str, public_url: &str) -> Option<Self> {
        let address = address(from)?;
        let url = Url::parse(public_url).ok();
        let host = url.and_then(|url| url.host_str().map(ToOwned::to_owned));
        let host = host.unwrap_or_else(|| address.domain().to_owned());
        Some(Self { address, host })
    }

    /// Puts a letter together.
    ///
    /// # Errors
    /// The reason, if the recipient or a text cannot be put into a letter.
    pub(super) fn message(
        &self,
        id: &str,
        taken_at: Duration,
        recipient: &str,
        name: &str,
        written: &Written,
    ) -> Result<Outgoing, String> {
        let to = address(recipient).ok_or("the recipient is not an e-mail address")?;
        let envelope =
            Envelope::new(Some(self.address.clone()), vec![to.clone()]).map_err(|error| error.to_string())?;
        let subject = one_line(&written.subject);
        let message = Message::builder()
            .from(Mailbox::new(Some(one_line(name)), self.address.clone()))
            .to(Mailbox::new(None, to))
            .subject(subject.clone())
            .date(SystemTime::UNIX_EPOCH + taken_at)
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(written.text.clone(), written.html.clone()))
            .map_err(|error| error.to_string())?;
        let links = written.text.split_whitespace().filter(|word| is_web(word)).map(ToOwned::to_owned).collect();
        let bytes = message.formatted();
        Ok(Outgoing { id: id.to_owned(), envelope, bytes, recipient: recipient.to_owned(), subject, links })
    }
}

/// An address that a server understands: its host in the letters of the domain name system.
pub(super) fn address(text: &str) -> Option<Address> {
    let (user, host) = text.rsplit_once('@')?;
    if text.contains(char::is_control) {
        return None;
    }
    match Host::parse(host).ok()? {
        Host::Domain(domain) => Address::new(user, domain).ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(subject: &str) -> Written {
        Written {
            subject: subject.to_owned(),
            text: "Grüße\n\nhttps://auth.example/?token=a".to_owned(),
            html: format!("<p>{}</p>", "Grüße ".repeat(300)),
        }
    }

    fn message(recipient: &str, name: &str, subject: &str) -> Result<String, String> {
        let sender = Sender::new("no-reply@example.com", "https://auth.example:8055/x").unwrap();
        let taken_at = Duration::from_secs(1_795_280_721);
        let message = sender.message("17-ab", taken_at, recipient, name, &written(subject))?;
        assert_eq!(message.links, ["https://auth.example/?token=a"]);
        assert!(message.bytes.is_ascii());
        assert!(
            message.bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998),
            "RFC 5321, section 4.5.3.1.6"
        );
        Ok(String::from_utf8(message.bytes).unwrap())
    }

    #[test]
    fn the_headers_are_complete() {
        let text = message("ann@example.com", "Acme", "Password Reset Request").unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: Acme <no-reply@example.com>",
            "To: ann@example.com",
            "Subject: Password Reset Request",
            "Date: Sat, 21 Nov 2026 17:05:21 +0000",
            "Message-ID: <17-ab@auth.example>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(headers.lines().any(|header| header == line), "{line} is not in\n{headers}");
        }
        assert!(headers.contains("Content-Type: multipart/alternative;"), "{headers}");
        assert!(text.find("text/plain").unwrap() < text.find("text/html").unwrap(), "the richest comes last");
    }

    #[test]
    fn nothing_begins_another_header() {
        let evil = "x\r\nBcc: all@example.com\r\n\r\nbody";
        let text = message("ann@example.com", evil, evil).unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
        for recipient in
            [&format!("ann@example.com{evil}"), "ann@example.com, bob@example.com", "ann", "a b@example.com"]
        {
            assert!(message(recipient, "x", "x").is_err(), "{recipient}");
        }
    }

    #[test]
    fn names_in_other_letters_are_encoded() {
        let text = message("ann@bücher.example", "Müller, Söhne & \"Co\"", "Größe").unwrap();
        assert!(text.contains("To: ann@xn--bcher-kva.example"), "{text}");
        assert!(text.contains("From: =?utf-8?b?") || text.contains("From: \"=?utf-8?b?"), "{text}");
    }

    #[test]
    fn the_sender_must_be_an_address() {
        assert!(Sender::new("nobody", "/").is_none());
        assert_eq!(Sender::new("a@b.example", "/").unwrap().host, "b.example");
    }
}
