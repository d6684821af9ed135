//! Which paths are answered here, and which are the application's.
//!
//! Applications differ in how they read a path: letter case, percent-encoding, doubled slashes, dots. Invariant: a path that one
//! of them could read as one of ours is ours, and the table of routes then knows it or does not. Deliberately absent: methods;
//! a path belongs to one of both.

use crate::config::OwnPath;
use std::borrow::Cow;

/// What people need to sign in, and to look after their own account.
const SIGN_IN: [&str; 9] = [
    "/auth/**",
    "/users/me/**",
    "/users/register/**",
    "/users/invite/**",
    "/shares/auth",
    "/shares/info/*",
    "/server/ping",
    "/server/info",
    "/gatewit/**",
];

/// Whatever signs in, in front of a Directus: every way to a token, and what a token is made of. Accounts as records are its own.
const DIRECTUS: [&str; 9] = [
    "/auth/**",
    "/users/*/tfa/**",
    "/users/me/identities/**",
    "/users/me/sessions/**",
    "/users/register/**",
    "/users/invite/**",
    "/shares/auth",
    // It has sign-ins among its mutations.
    "/graphql/system",
    "/gatewit/**",
];

/// Everything that the table of routes has, but what every application has.
const ALL: [&str; 15] = [
    "/auth/**",
    "/users/**",
    "/roles/**",
    "/policies/**",
    "/access/**",
    "/permissions/**",
    "/settings/**",
    "/shares/**",
    "/activity/**",
    "/revisions/**",
    "/server/**",
    "/graphql/system",
    "/utils/random/string",
    "/metrics",
    "/gatewit/**",
];

/// The pages of this server, where they are served.
const PAGES: &str = "/admin/**";

/// How often a path is decoded: once is right, and twice happens where two programs do it.
const DECODINGS: usize = 2;

/// The paths that are answered here. In a pattern, `*` is any one part, and `**` at its end any number of them.
pub(crate) struct Ownership(Vec<String>);

impl Ownership {
    /// `serve_app`: whether there are pages.
    pub(crate) fn new(paths: &[OwnPath], serve_app: bool) -> Self {
        let words = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        let pages = |mut patterns: Vec<String>| {
            patterns.extend(serve_app.then(|| PAGES.to_owned()));
            patterns
        };
        let patterns = paths.iter().flat_map(|path| match path {
            OwnPath::SignIn => pages(words(&SIGN_IN)),
            OwnPath::All => pages(words(&ALL)),
            // The Studio of a Directus is where our pages would be.
            OwnPath::Directus => words(&DIRECTUS),
            OwnPath::Exactly(path) => vec![path.clone()],
            OwnPath::Below(path) => vec![format!("{path}/**")],
        });
        Self(patterns.collect())
    }

    /// Whether a path, as it was sent, is answered here.
    pub(crate) fn has(&self, path: &str) -> bool {
        let mut reading = Cow::Borrowed(path);
        for _ in 0..=DECODINGS {
            if self.matches(&plain(&reading)) {
                return true;
            }
            if !reading.contains('%') {
                return false;
            }
            reading = Cow::Owned(decoded(&reading));
        }
        false
    }

    fn matches(&self, parts: &[Cow<'_, str>]) -> bool {
        self.0.iter().any(|pattern| fits(pattern, parts))
    }
}

fn fits(pattern: &str, parts: &[Cow<'_, str>]) -> bool {
    let mut rest = parts.iter();
    for wanted in pattern.split('/').skip(1) {
        match (wanted, rest.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(part)) if wanted == part => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

/// The parts of a path: small letters, no empty ones, dots resolved, parameters (`;…`) cut off.
fn plain(path: &str) -> Vec<Cow<'_, str>> {
    let mut parts = Vec::new();
    for part in path.split(['/', '\\']) {
        let part = part.split(';').next().unwrap_or_default();
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ if part.bytes().any(|byte| byte.is_ascii_uppercase()) => parts.push(part.to_ascii_lowercase().into()),
            _ => parts.push(part.into()),
        }
    }
    parts
}

/// Percent-decoded; what cannot be decoded stays as it is, and the rest does not.
fn decoded(path: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)?.try_into().ok());
    let (bytes, mut found, mut at) = (path.as_bytes(), Vec::with_capacity(path.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let pair: (Option<u8>, Option<u8>) = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, pair) {
            found.push(high << 4 | low);
            at += 3;
        } else {
            found.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&found).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(paths: &[OwnPath]) -> Ownership {
        Ownership::new(paths, true)
    }

    #[test]
    fn an_application_keeps_everything_that_is_not_for_signing_in() {
        let own = of(&[OwnPath::SignIn]);
        for path in ["/auth", "/auth/login/acme", "/users/me", "/users/me/tfa/enable", "/admin/login", "/gatewit/live"]
        {
            assert!(own.has(path), "{path}");
        }
        for path in
            ["/", "/users", "/users/1", "/settings", "/metrics", "/robots.txt", "/authors", "/server", "/graphql"]
        {
            assert!(!own.has(path), "{path}");
        }
        assert!(!Ownership::new(&[OwnPath::SignIn], false).has("/admin/login"), "there are no pages");
    }

    #[test]
    fn a_directus_keeps_its_studio_and_its_records() {
        let own = of(&[OwnPath::Directus]);
        for path in
            ["/auth/refresh", "/users/me/tfa/generate", "/users/0-1/tfa/disable", "/graphql/system", "/shares/auth"]
        {
            assert!(own.has(path), "{path}");
        }
        for path in ["/admin", "/admin/login", "/users", "/users/me", "/users/me/track/page", "/settings", "/graphql"] {
            assert!(!own.has(path), "{path}");
        }
        for path in ["/server/info", "/shares/info/1", "/items/auth", "/assets/1", "/websocket", "/"] {
            assert!(!own.has(path), "{path}");
        }
    }

    #[test]
    fn single_paths_are_added() {
        let own = of(&[OwnPath::Directus, OwnPath::Exactly("/metrics".into()), OwnPath::Below("/own".into())]);
        assert!(own.has("/metrics") && own.has("/own") && own.has("/own/a/b"));
        assert!(!own.has("/metrics/a") && !own.has("/owner"));
        let all = of(&[OwnPath::All]);
        assert!(all.has("/roles/1") && all.has("/metrics") && !all.has("/") && !all.has("/robots.txt"));
    }

    #[test]
    fn what_could_be_read_as_ours_is_ours() {
        let own = of(&[OwnPath::Directus]);
        for path in [
            "/AUTH/Login",
            "//auth/login",
            "/%61uth/login",
            "/%2561uth/login",
            "/x/../auth/login",
            "/x/%2e%2e/auth/login",
            "/x%2f..%2fauth/login",
            "/./auth/login",
            "\\auth\\login",
            "/auth;a=b/login",
            "/auth%2flogin",
            "/%zz/../auth/login",
            "/auth/",
            "/graphql/system/",
        ] {
            assert!(own.has(path), "{path}");
        }
        assert!(!own.has("/items/%zz") && !own.has("*") && !own.has(""));
    }

    proptest! {
        #[test]
        fn any_path_belongs_to_somebody(path in "(/|\\.|auth|%|%2|%61|\\\\|;|\\PC){0,12}") {
            let _ = of(&[OwnPath::All]).has(&path);
        }

        #[test]
        fn encoding_letters_takes_no_path_away_from_us(which in proptest::collection::vec(any::<bool>(), 11)) {
            let letters = "/auth/login".chars().zip(which);
            let path: String = letters.map(|(letter, encoded)| match letter {
                '/' => "/".to_owned(),
                letter if encoded => format!("%{:02x}", u32::from(letter)),
                letter => letter.to_string(),
            }).collect();
            prop_assert!(of(&[OwnPath::Directus]).has(&path), "{}", path);
        }
    }
}
