//! Databases: Directus's names, and what is missing.

use super::*;

#[test]
fn a_postgres_is_set_with_the_names_of_directus() {
    let (config, _) = from_environment(&[
        ("DB_CLIENT", "postgres"),
        ("DB_HOST", "/run/postgresql"),
        ("DB_PORT", "5433"),
        ("DB_DATABASE", "directus"),
        ("DB_USER", "12345"),
        ("DB_PASSWORD", "a,b"),
        ("DB_SSL", "{\"rejectUnauthorized\":false}"),
        ("DB_POOL__MIN", "2"),
        ("DB_SEARCH_PATH", "shared,public"),
    ])
    .unwrap();
    let expected = Postgres {
        host: Some("/run/postgresql".to_owned()),
        port: 5433,
        database: Some("directus".to_owned()),
        user: Some("12345".to_owned()),
        password: Some("a,b".to_owned().into()),
        encryption: Encryption::Unverified,
        connections_min: 2,
        search_path: vec!["shared".to_owned(), "public".to_owned()],
        ..Postgres::default()
    };
    assert_eq!((config.storage.client, config.storage.postgres), (DatabaseClient::Postgres, expected));
}

#[test]
fn encryption_is_verified_unless_it_is_said_otherwise() {
    let certificate = "-----BEGIN CERTIFICATE-----\nA,B\n-----END CERTIFICATE-----";
    for (environment, expected) in [
        (&[("DB_SSL", "true")][..], Encryption::Verified),
        (&[("DB_SSL", "false")], Encryption::Off),
        (&[("DB_SSL", "{}")], Encryption::Verified),
        (&[("DB_SSL", "true"), ("DB_SSL__REJECT_UNAUTHORIZED", "false")], Encryption::Unverified),
        (&[("DB_SSL__CA", certificate)], Encryption::Verified),
    ] {
        let (config, _) = from_environment(environment).unwrap();
        assert_eq!(config.storage.postgres.encryption, expected, "{environment:?}");
    }
}

#[test]
fn what_a_postgres_needs_is_named() {
    errors(
        from_environment(&[
            ("DB_CLIENT", "pg"),
            ("DB_HOST", "db"),
            ("DB_POOL__MIN", "20"),
            ("DB_SEARCH_PATH", "a b"),
            ("DB_SSL", "maybe"),
        ]),
        &expect![[r#"
            DB_SSL: "maybe" is neither true nor false; write one of them
            DB_SEARCH_PATH: "a b" is not a list of names of schemas
            DB_DATABASE: is missing; DB_CLIENT=pg needs it, or else DB_CONNECTION_STRING
            DB_USER: is missing; DB_CLIENT=pg needs it, or else DB_CONNECTION_STRING
            DB_POOL__MIN: 20 is more than DB_POOL__MAX=10"#]],
    );
    assert!(from_environment(&[("DB_CLIENT", "pg"), ("DB_CONNECTION_STRING", "postgres://a:b@c/d")]).is_ok());
}
