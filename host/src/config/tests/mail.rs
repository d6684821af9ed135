//! Letters: what is set where, and what cannot be set together.

use std::time::Duration;

use expect_test::expect;

use super::super::*;
use super::{errors, from_environment, warnings};

#[test]
fn the_settings_of_directus_are_read() {
    let (config, warnings) = from_environment(&[
        ("EMAIL_TRANSPORT", "SMTP"),
        ("EMAIL_FROM", "auth@example.com"),
        ("EMAIL_SMTP_HOST", "smtp.example.com"),
        ("EMAIL_SMTP_PORT", "465"),
        ("EMAIL_SMTP_USER", "12345"),
        ("EMAIL_SMTP_PASSWORD", "1,2"),
        ("EMAIL_SMTP_POOL", "true"),
        ("EMAIL_SMTP_SECURE", "true"),
        ("EMAIL_SMTP_NAME", "auth.example.com"),
        ("EMAIL_SMTP_TLS_SERVERNAME", "mail.example.com"),
        ("EMAIL_VERIFY_SETUP", "false"),
        ("EMAIL_SENDMAIL_NEW_LINE", "windows"),
        ("GATEWIT_MAIL_GIVE_UP_AFTER", "2d"),
    ])
    .unwrap();
    assert_eq!(warnings, []);
    let mail = config.mail;
    assert_eq!((mail.chosen(), mail.from.as_str()), (Some(MailTransport::Smtp), "auth@example.com"));
    assert_eq!((mail.smtp.port, mail.smtp.user.as_deref()), (Some(465), Some("12345")));
    assert_eq!(mail.smtp.password, Some("1,2".to_owned().into()));
    assert!(mail.smtp.pool && mail.smtp.secure == Some(true) && !mail.verify_setup);
    assert_eq!(mail.smtp.tls.servername.as_deref(), Some("mail.example.com"));
    assert_eq!(mail.sendmail.new_line, NewLine::Windows);
    assert_eq!(mail.give_up_after, Duration::from_hours(48));
}

#[test]
fn a_host_is_enough_to_choose_smtp() {
    let chosen = |environment: &[(&str, &str)]| from_environment(environment).unwrap().0.mail.chosen();
    assert_eq!(chosen(&[]), None);
    assert_eq!(chosen(&[("EMAIL_SMTP_HOST", "a.example")]), Some(MailTransport::Smtp));
    let both = [("EMAIL_SMTP_HOST", "a.example"), ("EMAIL_TRANSPORT", "log")];
    assert_eq!(chosen(&both), Some(MailTransport::Log));
}

#[test]
fn what_cannot_be_set_together_is_named() {
    errors(
        from_environment(&[("EMAIL_TRANSPORT", "smtp"), ("EMAIL_SMTP_USER", "a")]),
        &expect![[r"
            EMAIL_SMTP_HOST: is not set; EMAIL_TRANSPORT=smtp needs it
            EMAIL_SMTP_PASSWORD: is not set, but EMAIL_SMTP_USER is"]],
    );
    errors(
        from_environment(&[
            ("EMAIL_SMTP_HOST", "a.example"),
            ("EMAIL_SMTP_PASSWORD", "hunter2"),
            ("EMAIL_SMTP_SECURE", "true"),
            ("EMAIL_SMTP_IGNORE_TLS", "true"),
            ("GATEWIT_MAIL_REQUIRE_TLS", "true"),
        ]),
        &expect![[r"
            EMAIL_SMTP_USER: is not set, but EMAIL_SMTP_PASSWORD is
            EMAIL_SMTP_IGNORE_TLS: contradicts EMAIL_SMTP_SECURE=true; set only one of them
            EMAIL_SMTP_IGNORE_TLS: contradicts GATEWIT_MAIL_REQUIRE_TLS=true; set only one of them"]],
    );
}

#[test]
fn other_ways_out_are_refused_with_the_way_to_go() {
    errors(
        from_environment(&[("EMAIL_TRANSPORT", "ses")]),
        &expect![
            r#"EMAIL_TRANSPORT: "ses" is reached by SMTP here: write smtp, with EMAIL_SMTP_HOST=email-smtp.<region>.amazonaws.com"#
        ],
    );
    errors(
        from_environment(&[("EMAIL_TRANSPORT", "Mailgun"), ("EMAIL_FROM", "Gatewit <a@b.example>")]),
        &expect![[r#"
            EMAIL_FROM: "Gatewit <a@b.example>" is not an e-mail address; write for example no-reply@example.com
            EMAIL_TRANSPORT: "Mailgun" is reached by SMTP here: write smtp, with EMAIL_SMTP_HOST=smtp.mailgun.org"#]],
    );
    errors(
        from_environment(&[("EMAIL_TRANSPORT", "pigeon"), ("EMAIL_SMTP_TLS_CA", "certificate")]),
        &expect![[r#"
            EMAIL_TRANSPORT: "pigeon" is not known here; write one of smtp, sendmail, file, log
            EMAIL_SMTP_TLS_CA: "certificate" is not a certificate in the form PEM; EMAIL_SMTP_TLS_CA_FILE takes the path of one"#]],
    );
}

#[test]
fn certificates_keep_their_lines() {
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let (config, _) = from_environment(&[("EMAIL_SMTP_TLS_CA", &pem.replace('\n', "\\n"))]).unwrap();
    assert_eq!(config.mail.smtp.tls.ca.as_deref(), Some(pem));
}

#[test]
fn a_certificate_that_is_not_looked_at_is_worth_a_warning() {
    let environment = [("EMAIL_SMTP_HOST", "a.example"), ("EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED", "false")];
    warnings(
        from_environment(&environment),
        &expect!["EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED: is false; whoever is in between can read the letters"],
    );
}
