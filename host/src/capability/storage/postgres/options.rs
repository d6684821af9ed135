//! From settings to the options of a connection. Pure.

use crate::{
    capability::storage::OpenError,
    config::{Encryption, Postgres},
};
use std::time::Duration;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// After how long without a word the network is asked whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long what was sent may stay without an acknowledgement before the connection counts as broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// The options, and how the connection is encrypted.
pub(super) fn options(settings: &Postgres) -> Result<(Config, Encryption), OpenError> {
    let (mut config, encryption) = match &settings.connection_string {
        Some(string) => of_string(string.expose(), settings.encryption)?,
        None => (of_parts(settings), settings.encryption),
    };
    config.application_name("gatewit").connect_timeout(super::CONNECT_TIMEOUT);
    config.keepalives_idle(KEEPALIVE).tcp_user_timeout(UNACKNOWLEDGED);
    config.ssl_mode(if encryption == Encryption::Off { SslMode::Disable } else { SslMode::Require });
    if !settings.search_path.is_empty() {
        // Names of schemas hold letters, digits, `_` and `$` only.
        config.options(format!("-c search_path={}", settings.search_path.join(",")));
    }
    Ok((config, encryption))
}

fn of_parts(settings: &Postgres) -> Config {
    let mut config = Config::new();
    config.port(settings.port);
    if let Some(host) = &settings.host {
        config.host(host);
    }
    if let Some(database) = &settings.database {
        config.dbname(database);
    }
    if let Some(user) = &settings.user {
        config.user(user);
    }
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    config
}

/// A connection string with the modes of encryption that Directus's client knows: any but `disable` verifies the server,
/// `no-verify` does not.
fn of_string(string: &str, otherwise: Encryption) -> Result<(Config, Encryption), OpenError> {
    let (start, query) = string.split_once('?').unwrap_or((string, ""));
    let is_mode = |part: &&str| part.starts_with("sslmode=");
    let (modes, rest): (Vec<_>, Vec<_>) = query.split('&').filter(|part| !part.is_empty()).partition(is_mode);
    let encryption = match modes.last().and_then(|mode| mode.split_once('=')) {
        None => otherwise,
        Some((_, "disable")) => Encryption::Off,
        Some((_, "no-verify")) => Encryption::Unverified,
        Some(_) => Encryption::Verified,
    };
    // What the parser says may hold a piece of the password.
    let refused = |_| {
        let text = "DB_CONNECTION_STRING: is not of the form postgres://user:password@host:port/database";
        OpenError::Setting(text.to_owned())
    };
    let config = format!("{start}?{}", rest.join("&")).parse().map_err(refused)?;
    Ok((config, encryption))
}

/// What to call the database in messages: where it is, and nothing of the account.
pub(super) fn name(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    format!("{} on {host}", config.get_dbname().unwrap_or("postgres"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(string: &str) -> (Config, Encryption) {
        options(&Postgres { connection_string: Some(string.to_owned().into()), ..Postgres::default() }).unwrap()
    }

    #[test]
    fn a_connection_string_says_how_to_encrypt() {
        for (string, expected) in [
            ("postgres://a:b@c:5433/d", Encryption::Off),
            ("postgres://a:b@c/d?sslmode=disable", Encryption::Off),
            ("postgresql://a:b@c/d?sslmode=verify-full&application_name=x", Encryption::Verified),
            ("postgres://a:b@c/d?application_name=x&sslmode=no-verify", Encryption::Unverified),
        ] {
            let (config, encryption) = of(string);
            assert_eq!((encryption, config.get_dbname()), (expected, Some("d")), "{string}");
            let mode = if expected == Encryption::Off { SslMode::Disable } else { SslMode::Require };
            assert_eq!(config.get_ssl_mode(), mode, "{string}");
        }
    }

    #[test]
    fn a_bad_string_is_not_repeated() {
        let settings =
            Postgres { connection_string: Some("postgres//s3cret".to_owned().into()), ..Postgres::default() };
        let error = options(&settings).err().unwrap().to_string();
        assert!(error.starts_with("DB_CONNECTION_STRING: ") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn parts_and_folders_of_sockets_are_taken() {
        let settings = Postgres {
            host: Some("/run/postgresql".to_owned()),
            database: Some("d".to_owned()),
            user: Some("u".to_owned()),
            search_path: vec!["a".to_owned(), "b".to_owned()],
            ..Postgres::default()
        };
        let (config, _) = options(&settings).unwrap();
        assert_eq!(name(&config), "d on /run/postgresql");
        assert_eq!(config.get_options(), Some("-c search_path=a,b"));
    }
}
