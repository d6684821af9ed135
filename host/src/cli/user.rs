//! `gatewit user`: accounts, over the same paths that Directus's clients use.

use super::{
    output::{Output, tell},
    remote::{Remote, Server, encoded},
};
use anyhow::Context as _;
use gatewit_host::Config;
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum User {
    /// List accounts.
    List {
        /// Only those with this text in a name or the address.
        #[arg(long)]
        search: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// Show an account.
    Show {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        output: Output,
    },
    /// Suspend an account: its sessions end, and nobody signs in to it.
    Suspend {
        #[command(flatten)]
        who: Who,
    },
    /// Let an account that was suspended sign in again.
    Activate {
        #[command(flatten)]
        who: Who,
    },
    /// Take the second factor off an account whose owner has lost it.
    ResetTfa {
        #[command(flatten)]
        who: Who,
    },
}

/// An account of a server.
#[derive(clap::Args)]
pub(super) struct Who {
    /// Its id, or its e-mail address.
    account: String,
    #[command(flatten)]
    remote: Remote,
}

/// What people see of an account in a list.
const COLUMNS: [(&str, &str); 7] = [
    ("Id", "/id"),
    ("Address", "/email"),
    ("Name", "/first_name"),
    ("", "/last_name"),
    ("Status", "/status"),
    ("Provider", "/provider"),
    ("Last seen", "/last_access"),
];

/// The fields of that list, and of one account.
const FIELDS: &str = "id,email,first_name,last_name,status,provider,role,last_access,tfa_secret,external_identifier";

impl User {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::List { search, limit, remote, output } => {
                let search = search.as_ref().map(|text| format!("&search={}", encoded(text))).unwrap_or_default();
                let path = format!("/users?fields={FIELDS}&sort=email&limit={limit}{search}");
                output.table(&remote.server(config)?.read(&path).await?, &COLUMNS);
            }
            Self::Show { who, output } => {
                let (_, account) = who.find(config).await?;
                output.tell(&account, || words(&account));
            }
            Self::Suspend { who } => {
                let (server, account) = who.find(config).await?;
                change(&server, &account, "suspended").await?;
                // The change ends its sessions; one that began at the same moment goes with this.
                server.ask("DELETE", &format!("/gatewit/sessions?user={}", id(&account)?), None).await?;
                tell("suspended, and signed out everywhere");
            }
            Self::Activate { who } => {
                let (server, account) = who.find(config).await?;
                change(&server, &account, "active").await?;
                tell("active");
            }
            Self::ResetTfa { who } => {
                let (server, account) = who.find(config).await?;
                server.ask("POST", &format!("/users/{}/tfa/disable", id(&account)?), Some(&json!({}))).await?;
                tell("the second factor is off");
            }
        }
        Ok(())
    }
}

impl Who {
    /// The server, and the account there.
    async fn find(&self, config: &Config) -> anyhow::Result<(Server, Value)> {
        let server = self.remote.server(config)?;
        let field = if self.account.contains('@') { "email" } else { "id" };
        let filter = json!({ field: { "_eq": self.account } }).to_string();
        let path = format!("/users?fields={FIELDS}&limit=1&filter={}", encoded(&filter));
        let found = server.read(&path).await?;
        let account = found.get(0).cloned();
        Ok((server, account.with_context(|| format!("there is no account with this {field}"))?))
    }
}

fn id(account: &Value) -> anyhow::Result<String> {
    Ok(encoded(account["id"].as_str().context("the server gives no id")?))
}

async fn change(server: &Server, account: &Value, status: &str) -> anyhow::Result<()> {
    let path = format!("/users/{}", id(account)?);
    server.ask("PATCH", &path, Some(&json!({ "status": status }))).await.map(drop)
}

/// The fields of an account, one on a line.
fn words(account: &Value) -> String {
    let shown = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Null => return None,
            Value::String(text) => super::output::plain(text),
            other => other.to_string(),
        };
        // The secret itself is never told, only that there is one.
        let (name, value) =
            if name == "tfa_secret" { ("second factor", "yes".to_owned()) } else { (name.as_str(), value) };
        Some(format!("{name:<19} {value}"))
    };
    let lines: Vec<_> = account.as_object().into_iter().flatten().filter_map(shown).collect();
    lines.join("\n")
}
