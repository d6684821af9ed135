//! A real SAML provider for one test: pysaml2, a library of its own with xmlsec1 for signatures, on loopback.
//!
//! Invariant: it ends with the value. Forms that a browser would post by itself are posted by whoever reads their `forms`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::needs;

/// What is installed for Python.
const PYTHON: [&str; 1] = ["pysaml2==7.5.5"];

/// What is unpacked of Debian. Without the crypto library of its own, xmlsec1 knows no algorithm.
const DEBIAN: [&str; 4] = ["xmlsec1", "libxmlsec1", "libxmlsec1-openssl", "libxslt1.1"];

/// How long it may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running provider.
pub struct Provider {
    /// Where it is.
    pub base: String,
    child: Child,
    _folder: TempDir,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of the keys of these tests.
#[must_use]
pub fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/saml/keys").join(name)
}

/// `xmlsec1`, from `PATH` or unpacked, as one program.
fn xmlsec(folder: &Path) -> anyhow::Result<PathBuf> {
    if let Ok(program) = needs::program("xmlsec1") {
        return Ok(program);
    }
    let root = needs::debian_root("xmlsec1", &DEBIAN)?;
    let libraries = root.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let script = folder.join("xmlsec1");
    let text = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        libraries.display(),
        root.join("usr/bin/xmlsec1").display()
    );
    std::fs::File::create(&script)?.write_all(text.as_bytes())?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

impl Provider {
    /// Starts one for a service at `<public url>/auth/login/<name>`.
    pub async fn start(service: &str, options: &Value) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (python, modules) = (needs::program("python3")?, needs::python("python-saml", &PYTHON)?);
        let program = xmlsec(folder.path())?;
        let mut all = json!({"key": key("idp.key.pem"), "certificate": key("idp.crt")});
        for (name, value) in options.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("support/saml.py"));
        command.env("OPTIONS", all.to_string()).env("SP", service).env("XMLSEC", program).env("PYTHONPATH", modules);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("starting the provider")?;
        let output = child.stdout.take().context("no standard output")?;
        let line = tokio::task::spawn_blocking(move || BufReader::new(output).lines().next());
        let line = tokio::time::timeout(PATIENCE, line).await.context("the provider does not start")??;
        let told: Value = serde_json::from_str(&line.context("the provider has ended")??)?;
        let base = format!("http://127.0.0.1:{}", told["port"].as_u64().context("no port")?);
        Ok(Self { base, child, _folder: folder })
    }
}

/// A form of a page that posts itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// A field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The first form of a page.
pub fn form(page: &str) -> anyhow::Result<Form> {
    let form = tags(page, "form").next().with_context(|| format!("no form: {page}"))?;
    let action = attribute(form, "action").context("a form without an address")?;
    let inputs = tags(page, "input").filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
    Ok(Form { action, fields: inputs.collect() })
}

fn tags<'a>(page: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let open = format!("<{name} ");
    page.split_inclusive('>').filter_map(move |part| part.rsplit_once(open.as_str()).map(|(_, rest)| rest))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let value = rest.split_once('"')?.0;
    let plain = [("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    Some(plain.iter().fold(value.to_owned(), |text, (escaped, letter)| text.replace(escaped, letter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read() {
        let page = r#"<p><form method="post" action="https://a/?x=1&amp;y=2"><input type="hidden" name="a" value="&quot;b&quot;"/></form>"#;
        let read = form(page).unwrap();
        assert_eq!(read, Form { action: "https://a/?x=1&y=2".into(), fields: vec![("a".into(), "\"b\"".into())] });
        assert!(form("<p>").is_err());
    }
}
