//! What is the same in every letter: the project's name, colour, logo and address, out of the row of settings.

use crate::capability::storage::{self, Backend, Field, Value};
use async_trait::async_trait;
use std::sync::Arc;

/// Longest name that is put into a header, in letters; the column holds as many.
const NAME_LENGTH_MAX: usize = 100;

/// The colour where none is set, or what is set is none: that of a new project.
const COLOR: &str = "#6644FF";

/// Where the settings are read. A trait of its own, because a letter needs nothing else of the store.
#[async_trait]
pub(super) trait Settings: Send + Sync {
    async fn settings(&self) -> Result<Vec<Field>, storage::Error>;
}

/// The settings in the store.
pub(super) struct Stored(pub(super) Arc<dyn Backend>);

#[async_trait]
impl Settings for Stored {
    async fn settings(&self) -> Result<Vec<Field>, storage::Error> {
        self.0.settings().await
    }
}

/// The project that letters come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) name: String,
    /// `#` and hexadecimal digits, safe in a style sheet.
    pub(super) color: String,
    pub(super) logo: Option<String>,
    pub(super) url: Option<String>,
    pub(super) language: Option<String>,
}

impl Project {
    pub(super) fn new(settings: &[Field], public_url: &str) -> Self {
        let text = |name: &str| {
            settings.iter().find(|field| field.name == name).and_then(|field| match &field.value {
                Value::Text(text) if !text.trim().is_empty() => Some(text.trim()),
                _ => None,
            })
        };
        // A picture can be had from outside only where the server can.
        let logo = text("project_logo").filter(|id| is_web(public_url) && id.chars().all(is_id));
        Self {
            name: text("project_name").map(one_line).filter(|name| !name.is_empty()).unwrap_or("Gatewit".to_owned()),
            color: text("project_color").filter(|color| is_color(color)).unwrap_or(COLOR).to_owned(),
            logo: logo.map(|id| format!("{public_url}/assets/{id}")),
            url: text("project_url").filter(|url| is_web(url)).map(ToOwned::to_owned),
            language: text("default_language").map(ToOwned::to_owned),
        }
    }

    /// Black or white, whichever is read better on the project's colour.
    pub(super) fn ink(&self) -> &'static str {
        let digits: Vec<u32> = self.color.chars().filter_map(|digit| digit.to_digit(16)).collect();
        let channels: Vec<u32> = match digits.len() {
            3 | 4 => digits.iter().map(|digit| digit * 17).collect(),
            _ => digits.chunks(2).map(|pair| pair.iter().fold(0, |value, digit| value * 16 + digit)).collect(),
        };
        // Brightness as W3C's AERT weighs it, in thousandths; half of it is 125 there.
        let brightness: u32 = channels.iter().zip([299, 587, 114]).map(|(channel, weight)| channel * weight).sum();
        if brightness > 125_000 { "#000000" } else { "#ffffff" }
    }
}

/// A text without control characters, which could begin another header, cut to what a header may hold.
pub(super) fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let spaced: String = spaced.collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ").chars().take(NAME_LENGTH_MAX).collect()
}

/// Is it an address of the web?
pub(super) fn is_web(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    (lower.starts_with("https://") || lower.starts_with("http://")) && !url.contains(char::is_whitespace)
}

fn is_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

fn is_color(color: &str) -> bool {
    let digits = color.strip_prefix('#').unwrap_or_default();
    matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(settings: &[(&str, &str)], public_url: &str) -> Project {
        let field = |(name, value): &(&str, &str)| Field { name: (*name).into(), value: Value::Text((*value).into()) };
        Project::new(&settings.iter().map(field).collect::<Vec<_>>(), public_url)
    }

    #[test]
    fn what_is_set_is_taken() {
        let settings = [
            ("project_name", "Acme"),
            ("project_color", "#00ff00"),
            ("project_logo", "5b2a1d9e-1f1c-4f5e-9d63-2f4f8f5b5a10"),
            ("project_url", "https://acme.example"),
            ("default_language", "de-DE"),
        ];
        let project = project(&settings, "https://auth.example");
        assert_eq!((project.name.as_str(), project.color.as_str(), project.ink()), ("Acme", "#00ff00", "#000000"));
        let logo = "https://auth.example/assets/5b2a1d9e-1f1c-4f5e-9d63-2f4f8f5b5a10";
        assert_eq!(project.logo.as_deref(), Some(logo));
        assert_eq!(project.url.as_deref(), Some("https://acme.example"));
        assert_eq!(project.language.as_deref(), Some("de-DE"));
    }

    #[test]
    fn what_is_not_set_or_not_safe_has_a_default() {
        let settings = [
            ("project_name", " \r\n "),
            ("project_color", "red;background:url(https://evil.example)"),
            ("project_logo", "../../etc"),
            ("project_url", "javascript:alert(1)"),
        ];
        for settings in [&settings[..], &[]] {
            let project = project(settings, "https://auth.example");
            assert_eq!((project.name.as_str(), project.color.as_str(), project.ink()), ("Gatewit", COLOR, "#ffffff"));
            assert_eq!((project.logo, project.url), (None, None));
        }
        assert_eq!(project(&[("project_logo", "a")], "/").logo, None, "nobody can fetch it");
    }

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(one_line("Acme\r\nBcc: all@example.com\0"), "Acme Bcc: all@example.com");
        assert_eq!(one_line(&"a".repeat(500)).len(), NAME_LENGTH_MAX);
    }
}
