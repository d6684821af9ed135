//! `gatewit session`: who is signed in, and how that ends.

use super::{
    output::{Output, tell},
    remote::{Remote, encoded},
};
use gatewit_host::Config;
use serde_json::Value;

#[derive(clap::Subcommand)]
pub(super) enum Session {
    /// List the sessions that are alive, those that end last first.
    List {
        /// Only those of this account: its id.
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// End a session. Its tokens are refused from then on.
    End {
        /// Its id, as `list` has it.
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// End all sessions of an account.
    EndAll {
        /// The id of the account.
        user: String,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
}

/// What people see of a session.
const COLUMNS: [(&str, &str); 7] = [
    ("Id", "/id"),
    ("Account", "/user"),
    ("Provider", "/provider"),
    ("Expires", "/expires"),
    ("Address", "/ip"),
    ("Here", "/current"),
    ("Client", "/user_agent"),
];

impl Session {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { user, remote, output } => {
                let query = user.as_ref().map(|user| format!("?user={}", encoded(user))).unwrap_or_default();
                let data = remote.server(config)?.read(&format!("/gatewit/sessions{query}")).await?;
                output.table(&data, &COLUMNS);
            }
            Self::End { id, remote } => {
                remote.server(config)?.ask("DELETE", &format!("/gatewit/sessions/{}", encoded(id)), None).await?;
                tell("ended");
            }
            Self::EndAll { user, remote, output } => {
                let path = format!("/gatewit/sessions?user={}", encoded(user));
                let data = remote.server(config)?.ask("DELETE", &path, None).await?;
                output.tell(&data, || format!("ended: {}", data.get("ended").unwrap_or(&Value::Null)));
            }
        }
        Ok(())
    }
}
