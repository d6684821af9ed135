//! `[engine]`: where components come from, and what one call of a component may use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cast::Value;
use super::decode::{boolean, bytes, duration_from, integer, list, path, share};
use super::error::Refusal;
use super::grants::{Grant, grants, structure};
use super::setting::{Setting, put};
use crate::distribution::Name;

/// Memory that may be configured for one call: 1 MiB (below it no component starts) to 4 GiB (all a 32-bit guest can
/// address).
pub(super) const CALL_MEMORY_BYTES: (u64, u64) = (1 << 20, 1 << 32);

/// Most calls at once: each reserves address space, of which a 47-bit process has no more.
const CALLS_MAX: u64 = 13_000;

/// Most crashes that may be waited for: each is remembered for a minute.
const CRASHES_MAX: u64 = 10_000;

/// Most calls that a trial may be waited for.
const PROMOTE_AFTER_MAX: u64 = 1_000_000_000;

/// Shortest time of a call: below it the deadline's own granularity would end calls.
pub(super) const CALL_TIME_MIN: Duration = Duration::from_millis(10);

/// The WebAssembly engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    /// Folder whose components replace built-in ones or add to them (`GATEWIT_COMPONENTS`, default
    /// `<data folder>/components`).
    pub components: PathBuf,
    /// Folder of compiled components (`GATEWIT_CODE_CACHE`, default `<data folder>/code-cache`).
    pub code_cache: PathBuf,
    /// Most memory of one call, in bytes (`GATEWIT_CALL_MEMORY`, default 16 MiB).
    pub call_memory_bytes: u64,
    /// Longest time that one call may compute; waiting for the host does not count (`GATEWIT_CALL_TIME`, default 1 s).
    pub call_time: Duration,
    /// Calls that may run at the same time (`GATEWIT_CALLS`, default 512).
    pub calls: u32,
    /// What single components may use instead of that (`GATEWIT_GRANTS`, JSON, default none).
    pub grants: BTreeMap<String, Grant>,
    /// Is the folder watched, so that a changed component is served without a restart (`GATEWIT_WATCH_COMPONENTS`, default
    /// true)?
    pub watch: bool,
    /// Does a trusted key have to vouch for components that are not built in (`GATEWIT_REQUIRE_SIGNED`, default true)?
    pub require_signed: bool,
    /// Keys that are trusted, as minisign writes them (`GATEWIT_TRUSTED_KEYS`, default none).
    pub trusted_keys: Vec<String>,
    /// Crashes within a minute after which the generation before serves again (`GATEWIT_ROLLBACK_CRASHES`, default 5); 0 for
    /// never.
    pub rollback_crashes: u32,
    /// Calls after which a generation that is tried out serves everybody (`GATEWIT_PROMOTE_AFTER`); 0, the default, leaves it to
    /// somebody.
    pub promote_after: u64,
    /// Different answers that end a trial are more than this (`GATEWIT_PROMOTE_MAX_DIFFERENCES`, default 0).
    pub promote_max_differences: u64,
    /// Failures that end a trial are more than this share of its calls (`GATEWIT_PROMOTE_MAX_FAILURES`, default 0).
    pub promote_max_failures: f64,
    /// Components that are fetched from registries at the start, by the name that they are served under
    /// (`GATEWIT_OCI_COMPONENTS`, JSON, default none).
    pub sources: BTreeMap<String, Name>,
    /// Are components served that operators put into the database (`GATEWIT_UPLOADED_COMPONENTS`, default true)? To switch
    /// them off helps to start where one of them does not work.
    pub uploaded: bool,
}

impl Engine {
    /// The defaults with all data in `folder`.
    pub(super) fn within(folder: &Path) -> Self {
        Self {
            components: folder.join("components"),
            code_cache: folder.join("code-cache"),
            call_memory_bytes: 16 << 20,
            call_time: Duration::from_secs(1),
            calls: 512,
            grants: BTreeMap::new(),
            watch: true,
            require_signed: true,
            trusted_keys: Vec::new(),
            rollback_crashes: 5,
            promote_after: 0,
            promote_max_differences: 0,
            promote_max_failures: 0.0,
            sources: BTreeMap::new(),
            uploaded: true,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::within(Path::new("./data"))
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("GATEWIT_COMPONENTS", "engine.components", |c, v| put(&mut c.engine.components, path(v))).text(),
    Setting::new("GATEWIT_CODE_CACHE", "engine.code_cache", |c, v| put(&mut c.engine.code_cache, path(v))).text(),
    Setting::new("GATEWIT_CALL_MEMORY", "engine.call_memory", |c, v| {
        put(&mut c.engine.call_memory_bytes, bytes(v, CALL_MEMORY_BYTES.0, CALL_MEMORY_BYTES.1))
    }),
    Setting::new("GATEWIT_CALL_TIME", "engine.call_time", |c, v| {
        put(&mut c.engine.call_time, duration_from(v, CALL_TIME_MIN))
    }),
    Setting::new("GATEWIT_CALLS", "engine.calls", |c, v| put(&mut c.engine.calls, integer(v, 1, CALLS_MAX))),
    Setting::new("GATEWIT_GRANTS", "engine.grants", |c, v| put(&mut c.engine.grants, grants(v))).text(),
    Setting::new("GATEWIT_WATCH_COMPONENTS", "engine.watch", |c, v| put(&mut c.engine.watch, boolean(v))),
    Setting::new("GATEWIT_REQUIRE_SIGNED", "engine.require_signed", |c, v| {
        put(&mut c.engine.require_signed, boolean(v))
    }),
    Setting::new("GATEWIT_TRUSTED_KEYS", "engine.trusted_keys", |c, v| put(&mut c.engine.trusted_keys, list(v))),
    Setting::new("GATEWIT_ROLLBACK_CRASHES", "engine.rollback_crashes", |c, v| {
        put(&mut c.engine.rollback_crashes, integer(v, 0, CRASHES_MAX))
    }),
    Setting::new("GATEWIT_PROMOTE_AFTER", "engine.promote_after", |c, v| {
        put(&mut c.engine.promote_after, integer(v, 0, PROMOTE_AFTER_MAX))
    }),
    Setting::new("GATEWIT_PROMOTE_MAX_DIFFERENCES", "engine.promote_max_differences", |c, v| {
        put(&mut c.engine.promote_max_differences, integer(v, 0, PROMOTE_AFTER_MAX))
    }),
    Setting::new("GATEWIT_PROMOTE_MAX_FAILURES", "engine.promote_max_failures", |c, v| {
        put(&mut c.engine.promote_max_failures, share(v))
    })
    .text(),
    Setting::new("GATEWIT_OCI_COMPONENTS", "engine.sources", |c, v| put(&mut c.engine.sources, sources(v))).text(),
    Setting::new("GATEWIT_UPLOADED_COMPONENTS", "engine.uploaded", |c, v| put(&mut c.engine.uploaded, boolean(v))),
];

/// Names of components in registries, by the name that each is served under. By digest: what a start fetches must not depend
/// on its day.
fn sources(value: &Value) -> Result<BTreeMap<String, Name>, Refusal> {
    let wrong = || {
        Refusal::new(
            r#"is not an object; write for example {"acme":"oci://registry.example.com/acme/driver@sha256:…"}"#,
        )
    };
    let serde_json::Value::Object(sources) = structure(value)? else { return Err(wrong()) };
    let source = |(component, name): (String, serde_json::Value)| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if component.is_empty() || !component.chars().all(fits) {
            return Err(Refusal::new(format!("{component:?} is not the name of a component")));
        }
        let name: Name = name.as_str().ok_or_else(wrong)?.parse().map_err(|error| Refusal::new(format!("{error}")))?;
        if name.digest().is_none() {
            return Err(Refusal::new(format!("{name} names what it was last called by; write the digest, @sha256:…")));
        }
        Ok((component, name))
    };
    sources.into_iter().map(source).collect()
}
