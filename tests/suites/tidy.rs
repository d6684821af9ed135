//! The invariants of the source tree, checked by reading it. A rule that cannot find a breach it is shown is a defect,
//! so each is also run on a line that breaks it.

use std::path::Path;

use anyhow::{bail, ensure};

e2e::suite! {
    only_the_listed_places_name_what_is_theirs,
    no_source_file_is_longer_than_500_lines,
    every_module_opens_with_its_docs,
    decisions_are_pure,
    only_one_folder_of_the_sdk_knows_the_browser,
    every_package_world_and_function_of_wit_is_documented,
}

/// Longest source file, in lines: what one person reads in one go.
const LINES: usize = 500;

/// A source file: its path from the root of the checkout, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

/// A word that only some files of the host may use.
struct Rule {
    word: &'static str,
    owner: &'static str,
    may: fn(&str) -> bool,
}

const RULES: &[Rule] = &[
    Rule { word: "bindgen!", owner: "host/src/bindings.rs", may: |path| path == "host/src/bindings.rs" },
    Rule { word: "Store", owner: "host/src/engine/", may: |path| path.starts_with("host/src/engine/") },
    Rule { word: "hyper", owner: "host/src/http/", may: |path| path.contains("/http/") },
    Rule { word: "hyper_util", owner: "host/src/http/", may: |path| path.contains("/http/") },
    Rule { word: "StatusCode::", owner: "host/src/http/status.rs", may: |path| path == "host/src/http/status.rs" },
    Rule {
        word: "oci_client",
        owner: "host/src/distribution/",
        may: |path| path.starts_with("host/src/distribution/"),
    },
    Rule { word: "reqwest", owner: "host/src/telemetry/", may: |path| path == "host/src/telemetry/exporter.rs" },
    Rule {
        word: "opentelemetry_sdk",
        owner: "host/src/telemetry/",
        may: |path| path.starts_with("host/src/telemetry/"),
    },
    Rule { word: "sqlx", owner: "a backend of a capability", may: is_backend },
    // The crate, and not the module of that name that wraps it.
    Rule { word: "::argon2", owner: "a backend of a capability", may: is_backend },
    Rule { word: "use argon2", owner: "host/src/capability/passwords/", may: |path| path.contains("/passwords/") },
];

/// `host/src/capability/<name>/<backend>.rs` or a file below such a backend's folder.
fn is_backend(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("host/src/capability/") else { return false };
    let parts: Vec<&str> = rest.split('/').collect();
    parts.len() > 2 || (parts.len() == 2 && !["mod.rs", "policy.rs", "memory.rs"].contains(&parts[1]))
}

async fn only_the_listed_places_name_what_is_theirs() -> anyhow::Result<()> {
    let breaches = |source: &Source| {
        let broken = |rule: &&Rule| !(rule.may)(&source.path) && code(&source.text).any(|line| names(line, rule.word));
        let told = |rule: &Rule| format!("{}: names `{}`, which belongs to {}", source.path, rule.word, rule.owner);
        RULES.iter().filter(broken).map(told).collect::<Vec<_>>()
    };
    for rule in RULES {
        let line = format!("use x::{}", rule.word);
        let bad = Source { path: "host/src/other.rs".into(), text: line.clone() };
        ensure!(breaches(&bad).len() == 1, "the rule about `{}` sees nothing", rule.word);
        let comment = Source { path: "host/src/other.rs".into(), text: format!("// {line}") };
        ensure!(breaches(&comment).is_empty(), "the rule about `{}` reads comments", rule.word);
    }
    judge(&sources("host/src", ".rs")?, breaches)
}

async fn no_source_file_is_longer_than_500_lines() -> anyhow::Result<()> {
    let breaches = |source: &Source| {
        let lines = source.text.lines().count();
        if lines > LINES { vec![format!("{}: {lines} lines", source.path)] } else { vec![] }
    };
    ensure!(breaches(&Source { path: "a.rs".into(), text: "\n".repeat(LINES + 1) }).len() == 1);
    judge(&sources("", ".rs")?, breaches)
}

async fn every_module_opens_with_its_docs() -> anyhow::Result<()> {
    let breaches = |source: &Source| {
        let documented = source.text.starts_with("//! ");
        if documented { vec![] } else { vec![format!("{}: does not open with `//!`", source.path)] }
    };
    ensure!(breaches(&Source { path: "a.rs".into(), text: "use std;".into() }).len() == 1);
    judge(&sources("", ".rs")?, breaches)
}

async fn decisions_are_pure() -> anyhow::Result<()> {
    // What components share is pure but for this one file, which carries requests out.
    let shared = |path: &str| path.starts_with("components/shared/") && path != "components/shared/fetch/src/wire.rs";
    let pure = |path: &str| path.ends_with("/flow.rs") || path.contains("/flow/") || shared(path);
    let breaches = |source: &Source| {
        let words = ["async", "bindings", "wit_bindgen", "glue"];
        // Names of SAML have the word in them.
        let own = |line: &&str| !line.contains("\"urn:oasis:");
        let used = |word: &&&str| pure(&source.path) && code(&source.text).filter(own).any(|line| names(line, word));
        words.iter().filter(used).map(|word| format!("{}: names `{word}`", source.path)).collect::<Vec<_>>()
    };
    let bad = |path: &str| Source { path: path.into(), text: "async fn f() {}".into() };
    ensure!(breaches(&bad("components/auth/src/flow.rs")).len() == 1);
    ensure!(breaches(&bad("components/auth/src/glue.rs")).is_empty());
    judge(&sources("components", ".rs")?, breaches)
}

async fn only_one_folder_of_the_sdk_knows_the_browser() -> anyhow::Result<()> {
    let breaches = |source: &Source| {
        let own = source.path.starts_with("sdk-web/src/web/");
        let words = ["web_sys", "js_sys", "wasm_bindgen"];
        let used = |word: &&&str| !own && code(&source.text).any(|line| names(line, word));
        words.iter().filter(used).map(|word| format!("{}: names `{word}`", source.path)).collect::<Vec<_>>()
    };
    let bad = |path: &str| Source { path: path.into(), text: "use web_sys::Window;".into() };
    ensure!(breaches(&bad("sdk-web/src/core/session.rs")).len() == 1);
    ensure!(breaches(&bad("sdk-web/src/web/tab.rs")).is_empty());
    judge(&sources("sdk-web", ".rs")?, breaches)
}

async fn every_package_world_and_function_of_wit_is_documented() -> anyhow::Result<()> {
    let bad = Source {
        path: "wit/a.wit".into(),
        text: "/// A.\ninterface a {\n  @since(version = 0.1.0)\n  f: func();\n}".into(),
    };
    ensure!(undocumented(&bad) == ["wit/a.wit:4: `f: func();` has no `///`"], "{:?}", undocumented(&bad));
    let sources = sources("wit", ".wit")?;
    judge(&sources, undocumented)
}

/// Packages, worlds and functions of a WIT file of our own that have no `///`: what a reader starts from and what can be
/// called. Records may speak for themselves. Lines such as `@since(…)` may stand between.
fn undocumented(source: &Source) -> Vec<String> {
    if source.path.contains("/wasi") {
        return vec![];
    }
    let (mut found, mut documented) = (vec![], false);
    for (index, line) in source.text.lines().map(str::trim).enumerate() {
        let opens = line.starts_with("package ") || line.starts_with("world ");
        let item = opens || line.contains(": func(") && !line.starts_with("//");
        if item && !documented {
            found.push(format!("{}:{}: `{line}` has no `///`", source.path, index + 1));
        }
        documented = line.starts_with("///") || (documented && line.starts_with('@'));
    }
    found
}

/// The lines of a Rust file that are not comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// Whether `line` has `word` as a whole word.
fn names(line: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + word.len()..]);
        !(before.ends_with(part) || word.ends_with(part) && after.starts_with(part))
    })
}

fn judge(sources: &[Source], breaches: impl Fn(&Source) -> Vec<String>) -> anyhow::Result<()> {
    ensure!(!sources.is_empty(), "no file to look at");
    let found: Vec<String> = sources.iter().flat_map(breaches).collect();
    if !found.is_empty() {
        bail!(found.join("\n"));
    }
    Ok(())
}

/// The files below `folder` whose names end in `ending`, build output left out.
fn sources(folder: &str, ending: &str) -> anyhow::Result<Vec<Source>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let (mut found, mut folders) = (vec![], vec![root.join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let skipped = ["target", "node_modules", ".git"].contains(&name.as_str());
                folders.extend((!skipped).then_some(path));
            } else if name.ends_with(ending) {
                let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                found.push(Source { path: relative, text: std::fs::read_to_string(&path)? });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}
