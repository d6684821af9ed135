//! The way to a running server: where it is, the token that it is shown, and what its answers mean to a person.

use super::http;
use anyhow::{Context as _, bail};
use gatewit_host::{Config, Secret};
use serde_json::Value;
use std::fmt::Write as _;

/// Which server.
#[derive(clap::Args)]
pub(super) struct Remote {
    /// The address of the server. Default: `GATEWIT_URL`, or else where these settings say that it listens.
    #[arg(long, value_name = "ADDRESS")]
    url: Option<String>,
}

/// A server to talk to.
pub(super) struct Server {
    url: String,
    token: Secret<String>,
}

impl Remote {
    /// The server, with the token of the settings: one on the command line would be seen by everybody on the machine.
    pub(super) fn server(&self, config: &Config) -> anyhow::Result<Server> {
        let token = config.client.token.as_ref().or(config.admin.token.as_ref());
        let token = token.context("no token: set GATEWIT_TOKEN to a token of an administrator, or ADMIN_TOKEN")?;
        let url = self.url.clone().or_else(|| config.client.url.clone()).unwrap_or_else(|| own_address(config));
        Ok(Server { url: url.trim_end_matches('/').to_owned(), token: token.clone() })
    }
}

/// Where the server of these settings listens, seen from its own machine.
fn own_address(config: &Config) -> String {
    let host = match config.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("http://{host}:{}", config.server.port)
}

impl Server {
    /// The `data` of an answer to `GET`.
    pub(super) async fn read(&self, path: &str) -> anyhow::Result<Value> {
        self.ask("GET", path, None).await
    }

    /// The `data` of an answer; null if there is none.
    pub(super) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let body =
            body.map(|body| http::Sent { kind: "application/json", bytes: body.to_string().into(), signature: None });
        self.send(method, path, body).await
    }

    /// The same with any body.
    pub(super) async fn send(&self, method: &str, path: &str, body: Option<http::Sent>) -> anyhow::Result<Value> {
        let address = format!("{}{path}", self.url);
        let answered = http::send(method, &address, &self.token, body).await;
        let (status, bytes) = answered.with_context(|| {
            format!(
                "cannot ask the server at {}; --url or GATEWIT_URL says where it is",
                super::output::plain(&self.url)
            )
        })?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(answer.get("data").cloned().unwrap_or_default());
        }
        let message = answer.pointer("/errors/0/message").and_then(Value::as_str);
        let message = super::output::plain(message.unwrap_or("it gives no reason"));
        match status {
            401 => bail!(
                "the server does not know the token ({message}); GATEWIT_TOKEN or ADMIN_TOKEN has to be one of an \
                 administrator that is still good"
            ),
            403 => bail!(
                "the server refuses: {message} What is asked for needs the token of an administrator, and has to be \
                 there"
            ),
            404 => bail!("the server has nothing under {path}; is it a Gatewit of this version?"),
            _ => bail!("the server answers {status}: {message}"),
        }
    }
}

/// A part of a path or a query, with what means something there written otherwise.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut encoded = String::with_capacity(text.len());
    for byte in text.as_bytes() {
        if plain(byte) {
            encoded.push(char::from(*byte));
        } else {
            // Texts can be written to.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_server_is_reached_on_this_machine() {
        let mut config = Config::default();
        for (host, address) in [
            ("0.0.0.0", "http://127.0.0.1:8055"),
            ("127.0.0.1", "http://127.0.0.1:8055"),
            ("::", "http://[::1]:8055"),
            ("::1", "http://[::1]:8055"),
            ("auth.example", "http://auth.example:8055"),
        ] {
            host.clone_into(&mut config.server.host);
            assert_eq!(own_address(&config), address);
        }
    }

    #[test]
    fn parts_of_paths_are_encoded() {
        assert_eq!(encoded("a/b ?&é_"), "a%2Fb%20%3F%26%C3%A9_");
    }
}
