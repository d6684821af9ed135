//! The bindings, and the fetching.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "gatewit:worlds/credentials-driver",
    generate_all,
});

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use exports::gatewit::driver::{
    about::{self, Description, Format, Kind},
    credentials::{self, Identity, Refusal},
};
use gatewit::{
    cache::cache,
    log::log::{self, Field, Level},
};
use gatewit_fetch::{Request, send};

/// Bytes of an answer that are logged.
const SHOWN: usize = 30;

struct Fetcher;

export!(Fetcher);

impl about::Guest for Fetcher {
    fn describe() -> Description {
        let setting = |name: &str, kind| about::Setting {
            name: name.to_string(),
            kind,
            default: None,
            required: false,
            secret: false,
            help: String::new(),
        };
        Description {
            name: "fetcher".to_string(),
            fields: vec![about::Field { name: "addresses".to_string(), format: Format::Text, identifies: false }],
            settings: vec![
                setting("service-url", Kind::Url),
                setting("other-url", Kind::Url),
                setting("document-url", Kind::Document),
                setting("note", Kind::Text),
            ],
        }
    }
}

impl credentials::Guest for Fetcher {
    fn login(values: Vec<String>) -> Result<Identity, Refusal> {
        let addresses = values.first().ok_or(Refusal::InvalidCredentials)?;
        for line in addresses.split('\n') {
            let outcome = act(line);
            log::write(Level::Info, "fetched", &[Field { name: "outcome".to_string(), value: outcome }]);
        }
        Err(Refusal::InvalidCredentials)
    }
}

fn act(line: &str) -> String {
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("keep"), Some(key), Some(value)) => {
            cache::put(key, value, 60);
            "kept".to_string()
        }
        (Some("kept"), Some(key), None) => {
            cache::get(key).map_or_else(|| "nothing kept".to_string(), |entry| format!("kept {}", entry.value))
        }
        (Some("POST"), Some(url), None) => fetch(url, Some("a=b&c=d")),
        (Some(url), None, None) => fetch(url, None),
        _ => "what?".to_string(),
    }
}

fn fetch(url: &str, form: Option<&str>) -> String {
    match send(&Request { url, headers: &[], form, most_bytes: 4 << 20 }) {
        Ok(response) => {
            let shown: Vec<u8> = response.body.iter().copied().take(SHOWN).collect();
            format!("{} with {} bytes: {}", response.status, response.body.len(), String::from_utf8_lossy(&shown))
        }
        Err(fault) => format!("failed: {fault}"),
    }
}
