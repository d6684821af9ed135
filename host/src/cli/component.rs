//! `gatewit component`: which generation of each component serves, and changing that; and signatures of components.

use super::{
    http::Sent,
    output::{Output, tell},
    remote::{Remote, encoded},
    signing,
};
use anyhow::Context as _;
use gatewit_host::Config;
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
    /// Serve a component file from now on, at all hosts; requests under way finish with the one before.
    Swap {
        /// Its name; by default that of the file.
        #[arg(long)]
        name: Option<String>,
        /// The component. FILE.minisig beside it is its signature.
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
            Self::Verify { file, key } => tell(&signing::verify(file, key.as_deref(), &config.engine.trusted_keys)?),
        }
        Ok(())
    }

    async fn send(&self, config: &Config, remote: &Remote) -> anyhow::Result<Value> {
        let Self::Swap { name, file, accept_grants, dry_run, canary, shadow, .. } = self else {
            return Ok(Value::Null);
        };
        let wasm = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let of_file = file.file_stem().and_then(|stem| stem.to_str());
        let name = name.as_deref().or(of_file).context("the file has no name; say one with --name")?;
        let mut how = vec![format!("accept_grants={accept_grants}"), format!("dry_run={dry_run}")];
        how.extend(canary.map(|share| format!("mode=canary&share={share}")));
        how.extend(shadow.then(|| "mode=shadow".to_owned()));
        let signature = signature(file)?;
        let body = Sent { kind: "application/wasm", bytes: wasm.into(), signature };
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
    lines.push(format!("may use: {}", list("/capabilities")));
    for (path, word) in [("/grants/added", "new"), ("/grants/removed", "no longer")] {
        let names = list(path);
        if !names.is_empty() {
            lines.push(format!("{word}: {names}"));
        }
    }
    lines.join("\n")
}
