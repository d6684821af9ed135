//! `gatewit component`: which generation of each component serves, and changing that; and signatures of components.

use super::{
    http::Sent,
    output::{Output, tell},
    remote::{Remote, encoded},
    signing,
};
use anyhow::Context as _;
use gatewit_host::{Config, distribution};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub(super) enum Component {
    /// List the components with the generation of each that serves.
    List {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// Show the generations of a component.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Serve a component from now on, at all hosts; requests under way finish with the one before.
    #[command(visible_alias = "install")]
    Swap {
        /// Its name; by default that of the file, or the last part of its repository.
        #[arg(long)]
        name: Option<String>,
        /// The component: a file, whose signature is FILE.minisig beside it, or `oci://REGISTRY/REPOSITORY@sha256:DIGEST`, which
        /// the server fetches. With `:TAG` in place of the digest, what the tag names now.
        #[arg(value_name = "FILE|oci://…")]
        file: PathBuf,
        /// It may use what the one before could not.
        #[arg(long)]
        accept_grants: bool,
        /// Only see whether it would be taken, and how its grants differ.
        #[arg(long)]
        dry_run: bool,
        /// Try it out with this share of the calls, from 0 to 1.
        #[arg(long, value_name = "SHARE", conflicts_with = "shadow")]
        canary: Option<f64>,
        /// Try it out by watching: it is shown calls, and its answers are compared.
        #[arg(long)]
        shadow: bool,
        /// Of a trial: have it serve everybody after so many calls, if no more differ or fail than may.
        #[arg(long, value_name = "CALLS")]
        promote_after: Option<u64>,
        /// Of a trial with a rule: answers that may differ; with more, it ends.
        #[arg(long, value_name = "ANSWERS", requires = "promote_after")]
        max_differences: Option<u64>,
        /// Of a trial with a rule: the share of calls that may fail, from 0 to 1; with more, it ends.
        #[arg(long, value_name = "SHARE", requires = "promote_after")]
        max_failures: Option<f64>,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// Serve the generation before again.
    Rollback(Named),
    /// Serve everybody with the generation that is tried out.
    Promote(Named),
    /// End a trial.
    EndTrial(Named),
    /// Forget what was sent under a name: what is built in serves again.
    Remove(Named),
    /// Make a pair of keys to sign with. Without a password: the secret key is a file that only you may read.
    Keygen {
        /// The file of the secret key; the public one is beside it, with `.pub` at the end.
        file: PathBuf,
    },
    /// Sign a component: makes FILE.minisig.
    Sign {
        /// The component.
        file: PathBuf,
        /// The file of the secret key, of `keygen` or of minisign. A password is asked for if it has one.
        #[arg(long)]
        key: PathBuf,
    },
    /// Put a component into an OCI registry, with FILE.minisig if that is there, and say its name by its digest.
    Push {
        /// The component.
        file: PathBuf,
        /// Where: `oci://REGISTRY/REPOSITORY:TAG`.
        to: String,
    },
    /// Say whether a component bears a good signature of a key, by default of one of those that the settings trust.
    Verify {
        /// The component; FILE.minisig is its signature.
        file: PathBuf,
        /// The file of a public key.
        #[arg(long)]
        key: Option<PathBuf>,
    },
}

/// A component that is there.
#[derive(clap::Args)]
pub(super) struct Named {
    /// Its name.
    name: String,
    #[command(flatten)]
    remote: Remote,
}

/// What people see of a component.
const COLUMNS: [(&str, &str); 8] = [
    ("Name", "/name"),
    ("Generation", "/current/generation"),
    ("Source", "/current/source"),
    ("Digest", "/current/digest"),
    ("Signed by", "/current/signed_by"),
    ("Calls", "/current/calls"),
    ("Crashes", "/current/crashes"),
    ("Trial", "/trial/mode"),
];

impl Component {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { remote, output } => {
                output.table(&remote.server(config)?.read("/gatewit/components").await?, &COLUMNS);
            }
            Self::Show { name, remote } => {
                let data = remote.server(config)?.read(&path(name, "")).await?;
                tell(&serde_json::to_string_pretty(&data)?);
            }
            Self::Swap { remote, output, .. } => {
                let data = self.send(config, remote).await?;
                output.tell(&data, || told(&data));
            }
            Self::Rollback(named) => {
                named.act(config, "POST", "/rollback", "the generation before serves again").await?;
            }
            Self::Promote(named) => named.act(config, "POST", "/promote", "it serves everybody").await?,
            Self::EndTrial(named) => named.act(config, "POST", "/end-trial", "the trial is over").await?,
            Self::Remove(named) => named.act(config, "DELETE", "", "what is built in serves again").await?,
            Self::Keygen { file } => tell(&signing::keygen(file)?),
            Self::Sign { file, key } => tell(&signing::sign(file, key)?),
            Self::Push { file, to } => {
                let wasm = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
                let pushed = distribution::push(config, &to.parse()?, wasm, signature(file)?.as_deref()).await?;
                tell(&pushed.name.to_string());
            }
            Self::Verify { file, key } => tell(&signing::verify(file, key.as_deref(), &config.engine.trusted_keys)?),
        }
        Ok(())
    }

    async fn send(&self, config: &Config, remote: &Remote) -> anyhow::Result<Value> {
        let Self::Swap { name, file, accept_grants, dry_run, canary, shadow, .. } = self else {
            return Ok(Value::Null);
        };
        let Self::Swap { promote_after, max_differences, max_failures, .. } = self else { return Ok(Value::Null) };
        let mut how = vec![format!("accept_grants={accept_grants}"), format!("dry_run={dry_run}")];
        how.extend(canary.map(|share| format!("mode=canary&share={share}")));
        how.extend(shadow.then(|| "mode=shadow".to_owned()));
        how.extend(promote_after.map(|calls| format!("promote_after={calls}")));
        how.extend(max_differences.map(|answers| format!("max_differences={answers}")));
        how.extend(max_failures.map(|share| format!("max_failures={share}")));
        let reference = file.to_str().filter(|text| text.starts_with(distribution::SCHEME));
        let (of_file, body) = if let Some(text) = reference {
            let name: distribution::Name = text.parse()?;
            let source = serde_json::json!({ "source": text }).to_string();
            (Some(name.short().to_owned()), Sent { kind: "application/json", bytes: source.into(), signature: None })
        } else {
            let wasm = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let of_file = file.file_stem().and_then(|stem| stem.to_str()).map(ToOwned::to_owned);
            (of_file, Sent { kind: "application/wasm", bytes: wasm.into(), signature: signature(file)? })
        };
        let name = name.clone().or(of_file).context("the file has no name; say one with --name")?;
        let name = name.as_str();
        remote.server(config)?.send("PUT", &path(name, &format!("?{}", how.join("&"))), Some(body)).await
    }
}

impl Named {
    async fn act(&self, config: &Config, method: &str, act: &str, done: &str) -> anyhow::Result<()> {
        self.remote.server(config)?.ask(method, &path(&self.name, act), None).await?;
        tell(done);
        Ok(())
    }
}

fn path(name: &str, rest: &str) -> String {
    format!("/gatewit/components/{}{rest}", encoded(name))
}

/// The signature beside a component, if there is one.
fn signature(file: &Path) -> anyhow::Result<Option<String>> {
    let beside = signing::beside(file);
    match std::fs::read_to_string(&beside) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", beside.display())),
    }
}

/// What became of a component, for people.
fn told(data: &Value) -> String {
    let list = |path: &str| {
        let names = data.pointer(path).and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let text = |path: &str| data.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let mut lines =
        vec![format!("generation {}, digest {}", data.get("generation").unwrap_or(&Value::Null), text("/digest"))];
    if !text("/reference").is_empty() {
        lines.push(format!("from {}", text("/reference")));
    }
    lines.push(format!("may use: {}", list("/capabilities")));
    for (path, word) in [("/grants/added", "new"), ("/grants/removed", "no longer")] {
        let names = list(path);
        if !names.is_empty() {
            lines.push(format!("{word}: {names}"));
        }
    }
    lines.join("\n")
}
