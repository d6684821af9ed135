//! `gatewit audit`: what operators did, and whether the record of it is as it was written.

use super::{
    output::{Output, plain},
    remote::Remote,
};
use gatewit_host::{AuditVerdict, Config};
use serde_json::json;
use std::process::ExitCode;

#[derive(clap::Subcommand)]
pub(super) enum Audit {
    /// List what was done, the newest first.
    List {
        /// Only entries before this number.
        #[arg(long)]
        before: Option<u64>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        output: Output,
    },
    /// Look at every entry in the database, whether a server runs or not; needs the SECRET. Ends with 2 if one is not as it
    /// was written.
    Verify {
        /// A head that was noted earlier, `<number>:<hash>`: the log has to be at least so long and hold it still.
        #[arg(long, value_name = "HEAD")]
        since: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

/// What people see of an entry.
const COLUMNS: [(&str, &str); 7] = [
    ("Number", "/number"),
    ("At", "/at"),
    ("Who", "/who"),
    ("What", "/what"),
    ("To", "/object"),
    ("Outcome", "/outcome"),
    ("Address", "/ip"),
];

/// The log is not as it was written: told apart from everything that keeps one from looking.
const BROKEN: u8 = 2;

impl Audit {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { before, limit, remote, output } => {
                let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
                let data = remote.server(config)?.read(&format!("/gatewit/audit?limit={limit}{before}")).await?;
                output.table(&data, &COLUMNS);
                Ok(ExitCode::SUCCESS)
            }
            Self::Verify { since, output } => {
                let verdict = gatewit_host::verify_audit(config, since.as_deref()).await?;
                let AuditVerdict { entries, head, reason, broken_at } = &verdict;
                let data = json!({
                    "intact": reason.is_none(),
                    "entries": entries,
                    "head": head,
                    "broken_at": broken_at,
                    "reason": reason,
                });
                output.tell(&data, || words(&verdict));
                Ok(if reason.is_none() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) })
            }
        }
    }
}

fn words(verdict: &AuditVerdict) -> String {
    let head = plain(verdict.head.as_deref().unwrap_or("none"));
    match (&verdict.reason, verdict.broken_at) {
        (None, _) => format!("intact: {} entries\nhead: {head}", verdict.entries),
        (Some(reason), Some(number)) => {
            format!("broken at entry {number}: {reason}\nentries before it: {}\nhead: {head}", verdict.entries)
        }
        (Some(reason), None) => format!("broken: {reason}\nentries: {}\nhead: {head}", verdict.entries),
    }
}
