//! Whole configurations: precedence, messages, providers and the reference.

mod mail;
mod providers;
mod storage;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Reads files that hold their own path, `/crlf` with a line break after it; `/none` is not there.
fn read_file(path: &Path) -> io::Result<String> {
    match path.to_str().unwrap() {
        "/none" => Err(io::Error::from(io::ErrorKind::NotFound)),
        "/digits" => Ok("0123456789,0123456789,0123456789\n".to_owned()),
        other => Ok(format!("{other}\r\n")),
    }
}

fn sources(environment: &[(&str, &str)], dotenv: &str, toml: &str) -> Sources {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sources {
        environment: environment.iter().map(pair).collect(),
        dotenv: Some(dotenv.to_owned()),
        toml: Some((PathBuf::from("gatewit.toml"), toml.to_owned())),
        read_file: Box::new(read_file),
    }
}

fn pair(setting: &ProviderSetting) -> (&str, serde_json::Value) {
    (&setting.name, setting.json())
}

fn from_environment(environment: &[(&str, &str)]) -> Result<(Config, Vec<Warning>), ConfigErrors> {
    Config::from_sources(&sources(environment, "", ""))
}

fn from_toml(toml: &str) -> Result<(Config, Vec<Warning>), ConfigErrors> {
    Config::from_sources(&sources(&[], "", toml))
}

fn errors(result: Result<(Config, Vec<Warning>), ConfigErrors>, expected: &Expect) {
    let problems: Vec<String> = result.unwrap_err().problems().map(str::to_owned).collect();
    expected.assert_eq(&problems.join("\n"));
}

fn warnings(result: Result<(Config, Vec<Warning>), ConfigErrors>, expected: &Expect) {
    let warnings: Vec<String> = result.unwrap().1.iter().map(ToString::to_string).collect();
    expected.assert_eq(&warnings.join("\n"));
}

#[test]
fn without_sources_everything_is_default() {
    assert_eq!(Config::from_sources(&Sources::default()), Ok((Config::default(), Vec::new())));
}

#[test]
fn the_reference_says_the_defaults() {
    assert_eq!(from_toml(include_str!("reference.toml")), Ok((Config::default(), Vec::new())));
}

#[test]
fn the_reference_names_every_setting() {
    let reference = include_str!("reference.toml");
    for setting in setting::all() {
        let (section, key) = setting.path.rsplit_once('.').unwrap();
        let (_, body) = reference.split_once(&format!("\n[{section}]\n")).expect(section);
        let body = body.split("\n[").next().unwrap();
        let is_key = |line: &&str| line.trim_start_matches('#').starts_with(&format!("{key} = "));
        let place = body.lines().position(|line| is_key(&line)).expect(setting.path);
        let above: Vec<&str> = body.lines().take(place).collect();
        let comment: Vec<&str> = above.into_iter().rev().take_while(|line| line.starts_with("# ")).collect();
        let variable = format!("[{}]", setting.variable);
        assert!(comment.iter().any(|line| line.contains(&variable)), "{variable} above {}", setting.path);
    }
}

#[test]
fn what_the_reference_comments_out_can_be_set() {
    let is_sample = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line != "#";
    let uncomment = |line| if is_sample(line) { &line[1..] } else { line };
    let lines: Vec<&str> = include_str!("reference.toml").lines().map(uncomment).collect();
    let (config, _) = from_toml(&lines.join("\n")).unwrap();
    assert_eq!(pair(&config.auth.providers[0].settings[1]), ("clientSecret", json!("/run/secrets/okta")));
    assert_eq!(config.cookies.session.domain.as_deref(), Some("example.com"));
    assert_eq!(config.passwords.workers, Some(2));
    assert_eq!(config.admin.email.as_deref(), Some("admin@example.com"));
    assert!(config.keys.secret.is_some() && config.keys.key.is_some());
    assert_eq!(config.mail.transport, Some(MailTransport::Smtp));
    assert_eq!(config.mail.smtp.port, Some(587));
    assert_eq!(config.server.content_security_policy.len(), 1);
}

#[test]
fn the_environment_beats_the_dotenv_and_that_the_file() {
    let toml = "[server]\nport = 1\nhost = \"c\"\npublic_url = \"/c\"\n";
    let (config, _) = Config::from_sources(&sources(&[("PORT", "3")], "PORT=2\nHOST=b", toml)).unwrap();
    assert_eq!((config.server.port, config.server.host.as_str()), (3, "b"));
    assert_eq!(config.server.public_url, "/c");
}

#[test]
fn every_section_can_be_set_from_the_environment() {
    let (config, warnings) = from_environment(&[
        ("MAX_PAYLOAD_SIZE", "2mb"),
        ("ROOT_REDIRECT", "false"),
        ("SERVE_APP", "false"),
        ("GATEWIT_PAGES", "/srv/pages"),
        ("HSTS_ENABLED", "true"),
        ("HSTS_MAX_AGE", "100"),
        ("AUTH_DISABLE_DEFAULT", "true"),
        ("LOGIN_STALL_TIME", "0"),
        ("SESSION_COOKIE_NAME", "sid"),
        ("SESSION_COOKIE_SAME_SITE", "true"),
        ("DB_CLIENT", "sqlite3"),
        ("GATEWIT_TOKEN_STORAGE", "plain"),
        ("HASH_TYPE", "1"),
        ("GATEWIT_CALL_TIME", "250ms"),
        ("LOG_STYLE", "raw"),
        ("ADMIN_PASSWORD", "1,2"),
        ("DB_POOL__MAX", "20"),
        ("CORS_ENABLED", "true"),
        ("CORS_ORIGIN", "https://app.example.com"),
        ("RATE_LIMITER_ENABLED", "true"),
        ("RATE_LIMITER_STORE", "database"),
        ("RATE_LIMITER_REGISTRATION_POINTS", "7"),
        ("GRAPHQL_INTROSPECTION", "false"),
    ])
    .unwrap();
    assert_eq!(warnings, []);
    let mut expected = Config::default();
    expected.server.max_payload_bytes = 2 << 20;
    expected.server.root_redirect = None;
    expected.server.serve_app = false;
    expected.server.pages = Some("/srv/pages".into());
    expected.server.hsts.enabled = true;
    expected.server.hsts.max_age_seconds = 100;
    expected.server.cors.enabled = true;
    expected.server.cors.origin = CorsOrigin::One("https://app.example.com".to_owned());
    expected.server.limits.address.enabled = true;
    expected.server.limits.store = LimitStore::Database;
    expected.server.limits.registration.points = 7;
    expected.server.graphql.introspection = false;
    expected.auth.disable_default = true;
    expected.auth.login_stall_time = Duration::ZERO;
    expected.cookies.session.name = "sid".to_owned();
    expected.cookies.session.same_site = SameSite::Strict;
    expected.storage.tokens = Some(TokenStorage::Plain);
    expected.storage.postgres.connections_max = 20;
    expected.passwords.variant = Argon2Variant::Argon2i;
    expected.engine.call_time = Duration::from_millis(250);
    expected.log.style = LogStyle::Json;
    expected.admin.password = Some("1,2".to_owned().into());
    assert_eq!(config, expected);
}

#[test]
fn the_data_folder_moves_what_lies_in_it() {
    let (config, _) =
        from_environment(&[("GATEWIT_DATA", "/var/lib/gatewit"), ("GATEWIT_COMPONENTS", "/opt/c")]).unwrap();
    assert_eq!(config.storage.filename, Path::new("/var/lib/gatewit/gatewit.db"));
    assert_eq!(config.engine.code_cache, Path::new("/var/lib/gatewit/code-cache"));
    assert_eq!(config.engine.components, Path::new("/opt/c"));
}

#[test]
fn all_problems_are_reported_at_once() {
    let toml = "[server]\nprot = 1\n[log]\nlevel = 5\nstyle = [1]\n[colours]\nred = 1\n";
    let environment = [("ACCESS_TOKEN_TTL", "soon"), ("PORT", "70000"), ("GATEWIT_DATTA", "x"), ("DB_CLIENT", "mysql")];
    errors(
        Config::from_sources(&sources(&environment, "A=\"b", toml)),
        &expect![[r#"
            .env: a quote opens on line 1 and is never closed
            GATEWIT_DATTA: Gatewit has no setting of this name; did you mean GATEWIT_DATA?
            gatewit.toml: colours: Gatewit has no setting of this name
            gatewit.toml: server.prot: Gatewit has no setting of this name; did you mean server.port?
            DB_CLIENT: "mysql" is a database that Gatewit does not support; write sqlite3 or pg
            PORT: "70000" is not a whole number from 0 to 65535
            ACCESS_TOKEN_TTL: "soon" is not a duration; write for example 15m, 7d or 900s
            gatewit.toml: log.level: "5" is not known here; write one of fatal, error, warn, info, debug, trace, silent
            gatewit.toml: log.style: "[1]" is not known here; write one of pretty, raw, json"#]],
    );
}

#[test]
fn a_section_must_be_one() {
    let toml = "server = 1\n[auth]\nproviders = 1\n[storage]\nfilename = { a = 1 }\n[log.level]\na = 1";
    errors(
        from_toml(toml),
        &expect![[r#"
            gatewit.toml: auth.providers is a section; write [[auth.providers]]
            gatewit.toml: server is a section; write [server]
            gatewit.toml: storage.filename: "{\"a\":1}" is not a text; write it in the form string:text
            gatewit.toml: log.level: "{\"a\":1}" is not known here; write one of fatal, error, warn, info, debug, trace, silent"#]],
    );
}

#[test]
fn a_broken_file_is_named_without_its_text() {
    for value in ["hunter2", "\"hunter2", "[hunter2]", "1 hunter2"] {
        let error = from_toml(&format!("[keys]\nsecret = {value}\n")).unwrap_err();
        let text = error.problems().next().unwrap();
        assert!(text.starts_with("gatewit.toml: line "), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    errors(from_toml("[server]\nport = 1\nport = 2\n"), &expect!["gatewit.toml: line 3: duplicate key"]);
}

#[test]
fn no_message_holds_a_secret() {
    let toml = "[keys]\nsecret = [\"hunter2\"]\n[admin]\ntoken = { a = \"hunter2\" }\n";
    let result = Config::from_sources(&sources(&[("ADMIN_PASSWORD", "json:[\"hunter2\"]")], "", toml));
    let text = result.unwrap_err().to_string();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let (config, _) = from_environment(&[
        ("SECRET", "hunter2"),
        ("AUTH_PROVIDERS", "okta"),
        ("AUTH_OKTA_DRIVER", "openid"),
        ("AUTH_OKTA_CLIENT_SECRET", "hunter2"),
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_variable_can_come_from_a_file() {
    let (config, _) = from_environment(&[("SECRET_FILE", "/digits"), ("PUBLIC_URL_FILE", "/base")]).unwrap();
    assert_eq!(config.keys.secret, Some("0123456789,0123456789,0123456789".to_owned().into()));
    assert_eq!(config.server.public_url, "/base");
    let (config, _) = from_toml("[keys]\nsecret_file = \"/digits\"").unwrap();
    assert_eq!(config.keys.secret, Some("0123456789,0123456789,0123456789".to_owned().into()));
    let (config, _) = Config::from_sources(&sources(&[("HOST", "a")], "HOST_FILE=/none", "")).unwrap();
    assert_eq!(config.server.host, "a", "a stronger source wins whatever its form");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let toml = "[keys]\nkey_file = 5\n[admin]\ntoken_file = \"/none\"\nemail = \"a@b.c\"\nemail_file = \"/x\"";
    let environment = [("SECRET_FILE", "/none"), ("OTHER_FILE", "/none"), ("HOST", "a"), ("HOST_FILE", "/x")];
    errors(
        Config::from_sources(&sources(&environment, "", toml)),
        &expect![[r#"
            HOST_FILE: HOST is set as well; set only one of them
            gatewit.toml: admin.email and admin.email_file are both set; set only one
            gatewit.toml: keys.key_file: is not the path of a file
            SECRET_FILE: cannot read /none: entity not found
            gatewit.toml: admin.email_file: "/x" is not an e-mail address; write for example admin@example.com
            gatewit.toml: admin.token_file: cannot read /none: entity not found"#]],
    );
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let environment = [("SECRET", "short"), ("ACCESS_TOKEN_TTL", "900"), ("SESSION_COOKIE_SAME_SITE", "none")];
    warnings(
        Config::from_sources(&sources(&environment, "hello\n", "")),
        &expect![[r"
            .env: line 1 is ignored; it is not of the form NAME=value
            SESSION_COOKIE_SAME_SITE: browsers drop the cookie unless SESSION_COOKIE_SECURE=true
            SECRET: is shorter than 32 bytes and may be guessed
            ACCESS_TOKEN_TTL: 900 means 900ms to clients but 900s in tokens; write a unit"]],
    );
    warnings(from_environment(&[("SECRET", "0123456789abcdef0123456789abcdef")]), &expect![""]);
}

#[test]
fn a_bare_number_keeps_both_its_readings() {
    let (config, _) = from_environment(&[("ACCESS_TOKEN_TTL", "900")]).unwrap();
    assert_eq!((config.auth.access_token_ttl.body_ms(), config.auth.access_token_ttl.jwt_seconds()), (900, 900));
    let (config, _) = from_environment(&[("ACCESS_TOKEN_TTL", "900s")]).unwrap();
    assert_eq!((config.auth.access_token_ttl.body_ms(), config.auth.access_token_ttl.jwt_seconds()), (900_000, 900));
}

#[test]
fn limits_of_argon2_are_checked() {
    errors(
        from_environment(&[("HASH_MEMORY_COST", "4"), ("HASH_TIME_COST", "0"), ("HASH_TYPE", "3")]),
        &expect![[r#"
            HASH_MEMORY_COST: "4" is not a whole number from 8 to 4294967295
            HASH_TIME_COST: "0" is not a whole number from 1 to 4294967295
            HASH_TYPE: "3" is not a variant of Argon2; write 0 (argon2d), 1 (argon2i) or 2 (argon2id)"#]],
    );
    errors(
        from_environment(&[("HASH_MEMORY_COST", "63"), ("HASH_PARALLELISM", "8"), ("HASH_HASH_LENGTH", "65")]),
        &expect![[r#"
            HASH_HASH_LENGTH: "65" is not a whole number from 10 to 64
            HASH_MEMORY_COST: 63 is less than 8 KiB for each of HASH_PARALLELISM=8; write at least 64"#]],
    );
    errors(
        from_environment(&[
            ("HASH_ASSOCIATED_DATA", "0123456789abcdef0123456789abcdef0"),
            ("GATEWIT_CALL_TIME", "1ms"),
        ]),
        &expect![[r#"
            HASH_ASSOCIATED_DATA: the value is longer than 32 bytes
            GATEWIT_CALL_TIME: "1ms" is too short; write at least 10ms"#]],
    );
}

#[test]
fn limits_and_origins_that_cannot_work_are_refused() {
    errors(
        from_environment(&[
            ("CORS_ORIGIN", "regex:("),
            ("RATE_LIMITER_STORE", "redis"),
            ("RATE_LIMITER_POINTS", "0"),
            ("RATE_LIMITER_GLOBAL_ENABLED", "true"),
        ]),
        &expect![[r#"
            CORS_ORIGIN: "regex:(" is not a usable pattern: unclosed group
            RATE_LIMITER_POINTS: "0" is not a whole number from 1 to 4294967295
            RATE_LIMITER_STORE: "redis" is not supported; write database, which several hosts share as well, or memory
            RATE_LIMITER_GLOBAL_ENABLED: needs RATE_LIMITER_ENABLED=true as well"#]],
    );
    warnings(
        from_environment(&[("CORS_ENABLED", "true")]),
        &expect!["CORS_ENABLED: does nothing while CORS_ORIGIN is false; write the origins of your pages there"],
    );
}

#[test]
fn the_two_cookies_have_different_names() {
    errors(
        from_environment(&[("SESSION_COOKIE_NAME", "sid"), ("REFRESH_TOKEN_COOKIE_NAME", "sid")]),
        &expect!["SESSION_COOKIE_NAME: is the same as REFRESH_TOKEN_COOKIE_NAME; choose another"],
    );
}

#[test]
fn directives_of_variables_lie_over_those_of_the_file() {
    let toml = "[server.content_security_policy]\nframe-src = \"a\"\nimg_src = [\"b\", \"c\"]\nsandbox = true\n";
    let environment = [("CONTENT_SECURITY_POLICY_DIRECTIVES__FRAME_SRC", "'self'")];
    let (config, _) = Config::from_sources(&sources(&environment, "", toml)).unwrap();
    let directive = |name: &str, value: &str| Directive { name: name.to_owned(), value: Some(value.to_owned()) };
    let expected = [directive("frame-src", "'self'"), directive("img-src", "b c"), directive("sandbox", "")];
    assert_eq!(config.server.content_security_policy, expected);
    errors(
        from_environment(&[("CONTENT_SECURITY_POLICY_DIRECTIVES__FRAME_SRC", "a; b")]),
        &expect![[
            r#"CONTENT_SECURITY_POLICY_DIRECTIVES__FRAME_SRC: "a; b" is not the value of one directive; write its sources without ; and ,"#
        ]],
    );
}

#[test]
fn the_errors_read_as_a_list() {
    let error = from_environment(&[("PORT", "x"), ("SERVE_APP", "maybe")]).unwrap_err();
    expect![[r#"
        the configuration cannot be used:
          PORT: "x" is not a whole number from 0 to 65535
          SERVE_APP: "maybe" is neither true nor false; write one of them"#]]
    .assert_eq(&error.to_string());
}

proptest! {
    #[test]
    fn every_setting_takes_any_text(raw in any::<String>()) {
        for setting in setting::all() {
            let _ = from_environment(&[(setting.variable, &raw)]);
        }
    }

    #[test]
    fn any_file_can_be_tried(text in any::<String>()) {
        let _ = Config::from_sources(&sources(&[], &text, &text));
    }
}
