//! `gatewit:log`: what components have to say, in the host's log.
//!
//! Lines are limited in number and length, and what looks like a secret is taken out: a driver is not trusted to keep
//! tokens out of the log.

use super::trace::Trace;
use crate::bindings::auth::gatewit::log::log::{self, Field, Level};
use std::fmt::Write;
use wasmtime::component::{HasData, Linker};

/// Lines that one call may write. Enough to trace a sign-in step by step; a loop stays harmless.
const LINES_MAX: u32 = 64;

/// Bytes of one line, its fields together. An error of a provider fits; a page of HTML does not.
const LINE_BYTES_MAX: usize = 4096;

/// Words in the name of a field whose value is a secret.
const SECRET_NAMES: [&str; 7] = ["password", "secret", "token", "otp", "authorization", "cookie", "code"];

const REDACTED: &str = "[redacted]";

pub(crate) struct LogView<'a> {
    /// The component that is speaking.
    pub(crate) component: &'a str,
    /// The provider that it serves, for drivers.
    pub(crate) provider: Option<&'a str>,
    /// Lines written in this call.
    pub(crate) lines: &'a mut u32,
    /// Where lines are kept for a sign-in that fails.
    pub(crate) trace: &'a Trace,
    /// It only watches: what it says did not happen.
    pub(crate) watches: bool,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = LogView<'a>;
}

/// Adds the log, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> LogView<'_>,
) -> wasmtime::Result<()> {
    log::add_to_linker::<T, Granted>(linker, view)
}

impl log::Host for LogView<'_> {
    fn write(&mut self, level: Level, message: String, fields: Vec<Field>) {
        *self.lines = self.lines.saturating_add(1);
        if *self.lines > LINES_MAX {
            if *self.lines == LINES_MAX + 1 {
                tracing::warn!(
                    component = self.component,
                    "writes too many log lines; the rest of this call is dropped"
                );
            }
            return;
        }
        let (component, provider) = (self.component, self.provider);
        let (message, facts) = line(&message, &fields);
        let level = if self.watches { Level::Debug } else { level };
        let word = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.trace.add(word, provider.unwrap_or(component), format!("{message} {facts}").trim_end());
        match level {
            Level::Debug => tracing::debug!(component, provider, facts, "{message}"),
            Level::Info => tracing::info!(component, provider, facts, "{message}"),
            Level::Warn => tracing::warn!(component, provider, facts, "{message}"),
            Level::Error => tracing::error!(component, provider, facts, "{message}"),
        }
    }
}

/// The line as it may be written: message, and facts as `name=value`.
fn line(message: &str, fields: &[Field]) -> (String, String) {
    let message = redact(cut(message, LINE_BYTES_MAX));
    let mut facts = String::new();
    for Field { name, value } in fields {
        let secret = SECRET_NAMES.iter().any(|word| name.to_ascii_lowercase().contains(word));
        let value = if secret { REDACTED.to_owned() } else { redact(value) };
        if !facts.is_empty() {
            facts.push(' ');
        }
        // Writing to a text cannot fail.
        let _ = write!(facts, "{}={value:?}", cut(name, 64));
    }
    let facts = cut(&facts, LINE_BYTES_MAX.saturating_sub(message.len())).to_owned();
    (message, facts)
}

/// Takes out words that look like tokens: JWTs, and long runs of random letters.
pub(crate) fn redact(text: &str) -> String {
    let is_token = |word: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        word.split(|c| !letters(c)).any(|run| run.starts_with("eyJ") || run.len() >= 40)
    };
    text.split(' ').map(|word| if is_token(word) { REDACTED } else { word }).collect::<Vec<_>>().join(" ")
}

/// At most `bytes` of a text, cut between characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str, value: &str) -> String {
        line("m", &[Field { name: name.into(), value: value.into() }]).1
    }

    #[test]
    fn fields_with_secret_names_are_redacted() {
        for name in ["password", "client_secret", "access_token", "Authorization", "Set-Cookie", "otp"] {
            assert_eq!(facts(name, "x"), format!("{name}=\"[redacted]\""));
        }
        assert_eq!(facts("step", "bind"), "step=\"bind\"");
    }

    #[test]
    fn tokens_are_redacted_wherever_they_stand() {
        let (message, facts) = line(
            "got eyJhbGciOiJIUzI1NiJ9.e30.x back",
            &[Field { name: "url".into(), value: format!("https://idp.example/cb?state={}", "a1".repeat(20)) }],
        );
        assert_eq!(message, "got [redacted] back");
        assert_eq!(facts, "url=\"[redacted]\"");
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let (message, facts) = line(&"é ".repeat(5000), &[Field { name: "n".into(), value: "v ".repeat(5000) }]);
        assert!(message.len() + facts.len() <= LINE_BYTES_MAX);
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        assert_eq!(facts("a", "x\nlevel=ERROR"), "a=\"x\\nlevel=ERROR\"");
    }
}
