//! Whole letters: what people read, what an operator may replace, and what values cannot do.

use super::*;
use expect_test::{Expect, expect};
use std::{fs, path::Path};

const URL: &str = "https://auth.example/admin/reset-password?token=abc&x=1";

fn letter(template: &str, language: Option<&str>, values: &[(&str, &str)]) -> Waiting {
    Waiting {
        template: template.to_owned(),
        recipient: "ann@example.com".to_owned(),
        language: language.map(ToOwned::to_owned),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        taken_at_ms: 0,
    }
}

fn project() -> Project {
    Project {
        name: "Acme".to_owned(),
        color: "#6644FF".to_owned(),
        logo: None,
        url: Some("https://acme.example".to_owned()),
        language: Some("en-US".to_owned()),
    }
}

fn written(folder: &Path, letter: &Waiting) -> Written {
    Templates::new(folder.to_owned()).write(letter, &project()).unwrap()
}

fn check(template: &str, language: &str, expected: &Expect) {
    let written = written(Path::new("/nowhere"), &letter(template, Some(language), &[("url", URL)]));
    expected.assert_eq(&format!("{}\n\n{}\n", written.subject, written.text));
}

#[test]
fn english() {
    check(
        "password-reset",
        "en-US",
        &expect![[r"
            Password Reset Request

            Choose a new password

            Somebody, probably you, wants a new password for the account at Acme that belongs to this address.

            https://auth.example/admin/reset-password?token=abc&x=1

            If it was not you, there is nothing to do: your password stays as it is.

            -- 
            Acme
            https://acme.example
        "]],
    );
}

#[test]
fn german() {
    check(
        "user-invitation",
        "de-CH",
        &expect![[r"
            Sie sind eingeladen

            Sie sind eingeladen

            Sie sind zu Acme eingeladen. Nehmen Sie die Einladung an und wählen Sie ein Passwort.

            https://auth.example/admin/reset-password?token=abc&x=1

            Falls Sie das nicht erwartet haben, brauchen Sie nicht zu antworten.

            -- 
            Acme
            https://acme.example
        "]],
    );
}

#[test]
fn french() {
    check(
        "user-registration",
        "fr",
        &expect![[r"
            Confirmez votre adresse e-mail

            Encore une étape

            Quelqu’un, sans doute vous, s’est inscrit à Acme avec cette adresse. Confirmez qu’elle est la vôtre.

            https://auth.example/admin/reset-password?token=abc&x=1

            Si ce n’était pas vous, il n’y a rien à faire : sans cette étape, personne ne peut utiliser le compte.

            -- 
            Acme
            https://acme.example
        "]],
    );
}

#[test]
fn spanish() {
    check(
        "password-reset",
        "es-419",
        &expect![[r"
            Solicitud de nueva contraseña

            Elija una nueva contraseña

            Alguien, probablemente usted, quiere una nueva contraseña para la cuenta de Acme que pertenece a esta dirección.

            https://auth.example/admin/reset-password?token=abc&x=1

            Si no fue usted, no tiene que hacer nada: su contraseña no cambia.

            -- 
            Acme
            https://acme.example
        "]],
    );
}

#[test]
fn the_page_has_a_button_and_the_link_to_copy() {
    let page = written(Path::new("/nowhere"), &letter("password-reset", None, &[("url", URL)])).html;
    let escaped = URL.replace('&', "&amp;");
    assert_eq!(page.matches(&format!("href=\"{escaped}\"")).count(), 2, "{page}");
    assert!(page.contains(&format!(">{escaped}</a>")), "{page}");
    assert!(page.contains("<html lang=\"en\">") && page.contains("color-scheme") && page.contains("#6644FF"));
    assert!(!page.contains("{{") && !page.contains("{%"), "{page}");
}

#[test]
fn values_are_never_markup() {
    let evil = "\"><script>alert('1')</script>{{ url }}{% include 'x' %}\r\nBcc: all@example.com";
    let project =
        Project { name: evil.to_owned(), logo: Some(evil.to_owned()), url: Some(evil.to_owned()), ..project() };
    for template in ["password-reset", "user-invitation", "user-registration"] {
        let values = ["url", "email", "first_name", "last_name", "subject", "lang"].map(|name| (name, evil));
        let letter = letter(template, Some("de"), &values);
        let written = Templates::new("/nowhere".into()).write(&letter, &project).unwrap();
        assert!(!written.html.contains("<script"), "{}", written.html);
        assert!(!written.subject.contains(['\r', '\n']));
    }
    let own = [("subject", evil)];
    assert_eq!(
        own_subject(&letter("own", None, &own)).unwrap(),
        "\"><script>alert('1')</script>{{ url }}{% include 'x' %} Bcc: all@example.com"
    );
}

#[test]
fn what_others_typed_is_not_repeated() {
    let values =
        [("url", URL), ("first_name", "Visit evil.example"), ("last_name", "now"), ("email", "x@evil.example")];
    let written = written(Path::new("/nowhere"), &letter("user-registration", None, &values));
    assert!(!written.html.contains("evil.example") && !written.text.contains("evil.example"));
}

#[test]
fn a_template_of_directus_stands_in_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let page = "{% layout \"base\" %}\n{% block content %}\n<h1>Hi {{ first_name }}</h1><p>{{ projectName }} \
                {{ projectLogo }}{{ unknown }}</p><a href=\"{{ url }}\">Go</a>\n{% endblock %}";
    fs::write(folder.path().join("password-reset.liquid"), page).unwrap();
    let written = written(folder.path(), &letter("password-reset", Some("de"), &[("url", URL)]));
    assert!(written.html.contains(&format!("<h1>Hi </h1><p>Acme </p><a href=\"{URL}\">Go</a>")), "{}", written.html);
    assert!(written.html.starts_with("<!DOCTYPE html>"), "the built-in layout is around it");
    assert_eq!(written.subject, "Neues Passwort angefordert");
    assert!(written.text.contains(URL));
}

#[test]
fn a_layout_of_the_operators_is_around_built_in_letters() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("base.liquid"), "<mine>{% block content %}{% endblock %}</mine>").unwrap();
    let written = written(folder.path(), &letter("password-reset", None, &[("url", URL)]));
    assert!(written.html.starts_with("<mine>") && written.html.contains("Choose a new password"), "{}", written.html);
}

#[test]
fn templates_are_chosen_by_language() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("own", "plain"), ("own.de", "deutsch"), ("own.fr", "français"), ("own.fr.txt", "texte")] {
        fs::write(folder.path().join(format!("{name}.liquid")), text).unwrap();
    }
    let both = |language: Option<&str>| {
        let written = written(folder.path(), &letter("own", language, &[]));
        (written.html, written.text)
    };
    assert_eq!(both(Some("de-AT")), ("deutsch".into(), "deutsch".into()));
    assert_eq!(both(Some("fr")), ("français".into(), "texte".into()));
    assert_eq!(both(Some("it")), ("plain".into(), "plain".into()));
    assert_eq!(both(None), ("plain".into(), "plain".into()));
}

#[test]
fn a_flaw_falls_back_and_a_change_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let templates = Templates::new(folder.path().to_owned());
    let file = folder.path().join("password-reset.liquid");
    let page = || templates.write(&letter("password-reset", None, &[("url", URL)]), &project()).unwrap().html;
    assert!(page().contains("Choose a new password"));
    fs::write(&file, "mine {{ url | shout }}").unwrap();
    assert!(page().contains("Choose a new password"));
    fs::write(&file, "mine {{ url | upcase | slice: 0, 5 }}").unwrap();
    assert_eq!(page(), "mine HTTPS");
    fs::remove_file(&file).unwrap();
    assert!(page().contains("Choose a new password"));
}

#[test]
fn a_template_that_nobody_has_is_no_letter() {
    let templates = Templates::new("/nowhere".into());
    assert_eq!(templates.write(&letter("own", None, &[]), &project()).unwrap_err(), "there is no template `own`");
}
