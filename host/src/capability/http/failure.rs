//! What went wrong on the way, as a driver gets it and as the log tells it.
//!
//! A driver gets a case of `wasi:http`, never a text: what a library says of a failure may name addresses inside of a network
//! that a driver has no business to know.

use super::{connect::Failure, policy::Denial};
use std::{error::Error as StdError, io};
use wasmtime_wasi_http::Error;

/// Longest chain of causes that is followed.
const CAUSES_MAX: usize = 12;

/// A failure for both.
pub(super) struct Failed {
    /// For the driver.
    pub(super) code: Error,
    /// For the log.
    pub(super) told: String,
    pub(super) is_denied: bool,
}

impl Failed {
    fn new(code: Error, told: impl Into<String>) -> Self {
        Self { code, told: told.into(), is_denied: false }
    }

    /// The policy says no.
    pub(super) fn denied(denial: &Denial) -> Self {
        Self { is_denied: true, ..Self::new(Error::HttpRequestDenied, denial.to_string()) }
    }

    pub(super) fn too_large(bytes: u64) -> Self {
        let told = format!("the answer has more than {bytes} bytes");
        Self::new(Error::HttpResponseBodySize(Some(bytes)), told)
    }

    pub(super) fn silent() -> Self {
        Self::new(Error::ConnectionReadTimeout, "there was no answer in time")
    }

    pub(super) fn method() -> Self {
        Self { is_denied: true, ..Self::new(Error::HttpRequestMethodInvalid, "has a method that is not sent") }
    }

    pub(super) fn uri() -> Self {
        Self { is_denied: true, ..Self::new(Error::HttpRequestUriInvalid, "is no address") }
    }

    /// What the client says.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes = causes(error);
        if let Some(denial) = causes.iter().find_map(|cause| cause.downcast_ref::<Denial>()) {
            return Self::denied(denial);
        }
        let told: Vec<String> = causes.iter().map(ToString::to_string).collect();
        Self::new(code(&causes), told.join(": "))
    }
}

/// An error and its causes, those inside of an I/O error, too.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = vec![error];
    while let Some(cause) = causes.last().copied().and_then(inner).filter(|_| causes.len() < CAUSES_MAX) {
        causes.push(cause);
    }
    causes
}

fn inner<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The case that fits best, from the innermost cause outwards.
fn code(causes: &[&(dyn StdError + 'static)]) -> Error {
    causes.iter().rev().find_map(|cause| one(*cause)).unwrap_or(Error::HttpProtocolError)
}

fn one(cause: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => Error::TlsCertificateError,
            rustls::Error::AlertReceived(alert) => {
                Error::TlsAlertReceived { alert_id: Some(u8::from(*alert)), alert_message: None }
            }
            _ => Error::TlsProtocolError,
        });
    }
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(match failure {
            Failure::Denied(_) => Error::HttpRequestDenied,
            Failure::Slow(_) => Error::ConnectionTimeout,
            Failure::Name(_) => Error::DnsError { rcode: None, info_code: None },
            Failure::Unreachable(_) | Failure::Proxy(_) => Error::DestinationUnavailable,
            Failure::Encryption(_) => Error::TlsProtocolError,
        });
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message().then_some(Error::HttpResponseIncomplete);
    }
    // The tunnel's error has no name outside of its library.
    if cause.to_string() == "tunnel error: proxy authorization required" {
        return Some(Error::ConfigurationError);
    }
    let kind = cause.downcast_ref::<io::Error>()?.kind();
    Some(match kind {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Error::ConnectionTerminated
        }
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_found_however_deep_it_is() {
        let denial = Denial::Never("169.254.169.254".parse().unwrap());
        let failure = Failure::Unreachable(Box::new(io::Error::other(io::Error::other(denial))));
        let failed = Failed::of(&failure);
        assert!(failed.is_denied && matches!(failed.code, Error::HttpRequestDenied));
        assert_eq!(failed.told, "leads to 169.254.169.254, where no driver has business");
    }

    #[test]
    fn the_innermost_cause_decides() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(matches!(Failed::of(&Failure::Unreachable(Box::new(refused))).code, Error::ConnectionRefused));
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let failed = Failed::of(&Failure::Encryption(io::Error::new(io::ErrorKind::InvalidData, untrusted)));
        assert!(matches!(failed.code, Error::TlsCertificateError), "{}", failed.told);
        assert!(failed.told.contains("UnknownIssuer"), "{}", failed.told);
        let slow = Failure::Slow(std::time::Duration::from_millis(5));
        assert!(matches!(Failed::of(&slow).code, Error::ConnectionTimeout));
        assert_eq!(Failed::of(&slow).told, "there is no connection within 5 ms");
    }
}
