//! `gatewit status`: what a running server is and how it does.

use super::{
    output::{Output, plain},
    remote::Remote,
};
use gatewit_host::Config;
use serde_json::Value;

#[derive(clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    output: Output,
}

impl Status {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let data = self.remote.server(config)?.read("/gatewit/status").await?;
        self.output.tell(&data, || words(&data));
        Ok(())
    }
}

fn words(data: &Value) -> String {
    let text = |path: &str| match data.pointer(path) {
        Some(Value::String(text)) => plain(text),
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(other) => other.to_string(),
    };
    let database = match data.pointer("/database/answers").and_then(Value::as_bool) {
        Some(true) => format!("{}, answers in {} ms", text("/database/client"), text("/database/response_ms")),
        _ => format!("{}, does not answer", text("/database/client")),
    };
    let found = format!(
        "{} accounts, {} sessions, tokens {}",
        text("/database/findings/accounts"),
        text("/database/findings/sessions"),
        text("/database/findings/tokens")
    );
    let up = data.pointer("/uptime_seconds").and_then(Value::as_u64).unwrap_or_default();
    let up = format!("{} d {} h {} min, since {}", up / 86_400, up / 3_600 % 24, up / 60 % 60, text("/started_at"));
    let state =
        if data.pointer("/draining").and_then(Value::as_bool) == Some(true) { "about to stop" } else { "serving" };
    [("version", text("/version")), ("state", state.to_owned()), ("up", up), ("database", database), ("found", found)]
        .map(|(name, value)| format!("{name:<9} {value}"))
        .join("\n")
}
