//! The browser SDK in a real Chromium, against the server and a real OpenID provider.
//!
//! The scripts are in `sdk_web/`, one test each; they start servers of their own, because some end and start them again. `module`
//! runs the tests that are written in Rust beside the module (`#[wasm_bindgen_test]`). Without Node, npm, a browser or a registry
//! they are skipped by name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail, ensure};
use e2e::runner::{Part, Test};
use e2e::{chromium, needs, oidc, server};
use serde_json::Value;

/// What drives the browser.
pub(crate) const BROWSER: [(&str, &str); 1] = [("playwright-core", "1.65.1")];

/// What the example apps, and apps in general, are built with, and what looks at pages as people with other senses do.
const BUILDERS: [(&str, &str); 9] = [
    ("@vitejs/plugin-react", "6.3.0"),
    ("@vitejs/plugin-vue", "6.0.11"),
    ("axe-core", "4.14.1"),
    ("react", "19.3.1"),
    ("react-dom", "19.3.1"),
    ("typescript", "5.9.3"),
    ("vite", "8.3.8"),
    ("vue", "3.5.45"),
    ("webpack", "5.112.2"),
];

/// The scripts, and whether they build apps.
const SCRIPTS: [(&str, bool); 8] = [
    ("package", true),
    ("sessions", false),
    ("tabs", false),
    ("faults", false),
    ("sso", false),
    ("calls", false),
    ("examples", true),
    ("guide", false),
];

/// The tests of this suite.
pub(crate) fn tests() -> Vec<Test> {
    let test = |(name, builds): (&'static str, bool)| {
        Test::in_parts(format!("sdk_web::{name}"), move || async move { script("sdk_web", name, builds, &[]).await })
    };
    let module = Test::in_parts("sdk_web::module", || async {
        script("sdk_web", "module", false, &[("MODULE_TESTS", module_tests()?.into())]).await
    });
    SCRIPTS.into_iter().map(test).chain([module]).collect()
}

/// Runs `<folder>/<name>.mjs` with a server, a browser and what else it needs; `more` are further variables.
pub(crate) async fn script(
    folder: &str,
    name: &str,
    builds: bool,
    more: &[(&str, OsString)],
) -> anyhow::Result<Vec<Part>> {
    let node = needs::program("node")?;
    let package = package()?;
    let modules = needs::packages("npm-browser", &BROWSER)?;
    let browser = chromium::find()?;
    let mut script = Command::new(node);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("suites/{folder}/{name}.mjs")));
    script.env("GATEWIT_BIN", server::binary()?).env("PACKAGE", package).env("MODULES", modules);
    script.env("OIDC_MODULES", oidc::modules()?).env("CHROMIUM", browser.program).envs(browser.environment);
    script.envs(more.iter().map(|(name, value)| (name, value)));
    if builds {
        script.env("BUILDERS", needs::packages("npm-web", &BUILDERS)?);
    }
    if let Ok(program) = std::env::current_exe() {
        script.env("CODE_CACHE", program.with_file_name("gatewit-tests-code-cache"));
    }
    let output = tokio::task::spawn_blocking(move || script.output()).await?.context("running node")?;
    parts(&output)
}

/// What was built beside this test binary's `release/deps`, unless a variable names another folder.
fn built(variable: &str, name: &str) -> anyhow::Result<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join(name));
    named.or_else(beside).context("no path of this test binary")
}

/// The tests of the module: `GATEWIT_SDK_TESTS`, or what `cargo just sdk-tests` has built.
fn module_tests() -> anyhow::Result<PathBuf> {
    // Without it they have not been built, because they could not be run.
    needs::program("node")?;
    let folder = built("GATEWIT_SDK_TESTS", "sdk-tests")?;
    let module = folder.join("tests_bg.wasm");
    ensure!(module.is_file(), "{} is missing: build it with `cargo just sdk-tests`", module.display());
    Ok(folder)
}

/// The npm package: `GATEWIT_SDK`, or what `cargo just sdk` has built.
fn package() -> anyhow::Result<PathBuf> {
    let folder = built("GATEWIT_SDK", "sdk")?;
    if !folder.join("gatewit.wasm").is_file() {
        // Without npm it cannot be built, which is a reason to skip; otherwise it has been forgotten.
        needs::program("npm")?;
        bail!("{} has no package: build it with `cargo just sdk`", folder.display());
    }
    Ok(folder)
}

/// What a script said of its checks, one a line. One that did not come to its end has said too little.
pub(crate) fn parts(output: &Output) -> anyhow::Result<Vec<Part>> {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut parts = Vec::new();
    for line in text.lines() {
        let said: Value = serde_json::from_str(line).with_context(|| format!("the script said {line:?}\n{errors}"))?;
        if let Some(finished) = said["finished"].as_u64() {
            let failed = parts.iter().filter(|part: &&Part| part.failure.is_some()).count();
            ensure!(finished == u64::try_from(failed)? && !parts.is_empty(), "{line}, but {failed} were told");
            return Ok(parts);
        }
        let name = said["name"].as_str().with_context(|| format!("a check without a name: {line}"))?;
        parts.push(Part { name: name.to_owned(), failure: said["failure"].as_str().map(ToOwned::to_owned) });
    }
    bail!("the script was cut short\n{text}{errors}")
}
