//! What the built-in letters say, in four languages. `{project}` stands for the project's name.
//!
//! No letter repeats a name or anything else that somebody typed into a form: who registers another person's address
//! could otherwise send that person any text.

use super::language::lookup;

/// The letters that there are without templates of the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PasswordReset,
    UserInvitation,
    UserRegistration,
}

/// What one letter says in one language.
#[derive(Debug)]
pub(super) struct Phrases {
    pub(super) subject: &'static str,
    pub(super) heading: &'static str,
    pub(super) body: &'static str,
    pub(super) button: &'static str,
    pub(super) note: &'static str,
}

/// One language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) tag: &'static str,
    pub(super) hint: &'static str,
    password_reset: Phrases,
    user_invitation: Phrases,
    user_registration: Phrases,
}

impl Kind {
    /// The letter that a template of this name is built in for.
    pub(super) fn named(template: &str) -> Option<Self> {
        Some(match template {
            "password-reset" => Self::PasswordReset,
            "user-invitation" => Self::UserInvitation,
            "user-registration" => Self::UserRegistration,
            _ => return None,
        })
    }
}

impl Words {
    /// The language nearest to the first of `tags` that one is near to, else English.
    pub(super) fn nearest<'a>(tags: impl IntoIterator<Item = &'a str>) -> &'static Self {
        tags.into_iter().find_map(|tag| lookup(tag, &LANGUAGES, |words| words.tag)).unwrap_or(&LANGUAGES[0])
    }

    pub(super) fn phrases(&self, kind: Kind) -> &Phrases {
        match kind {
            Kind::PasswordReset => &self.password_reset,
            Kind::UserInvitation => &self.user_invitation,
            Kind::UserRegistration => &self.user_registration,
        }
    }
}

/// English first: it stands in for languages that are missing.
static LANGUAGES: [Words; 4] = [ENGLISH, GERMAN, FRENCH, SPANISH];

const ENGLISH: Words = Words {
    tag: "en",
    hint: "If the button does not work, open this address:",
    password_reset: Phrases {
        subject: "Password Reset Request",
        heading: "Choose a new password",
        body: "Somebody, probably you, wants a new password for the account at {project} that belongs to this address.",
        button: "Choose a new password",
        note: "If it was not you, there is nothing to do: your password stays as it is.",
    },
    user_invitation: Phrases {
        subject: "You've been invited",
        heading: "You are invited",
        body: "You are invited to {project}. Accept the invitation and choose a password to get in.",
        button: "Accept the invitation",
        note: "If you did not expect this, you need not answer.",
    },
    user_registration: Phrases {
        subject: "Verify your email address",
        heading: "One more step",
        body: "Somebody, probably you, registered at {project} with this address. Confirm that it is yours.",
        button: "Confirm the address",
        note: "If it was not you, there is nothing to do: without this step nobody can use the account.",
    },
};

const GERMAN: Words = Words {
    tag: "de",
    hint: "Falls der Knopf nicht geht, öffnen Sie diese Adresse:",
    password_reset: Phrases {
        subject: "Neues Passwort angefordert",
        heading: "Neues Passwort wählen",
        body: "Jemand, vermutlich Sie, möchte ein neues Passwort für das Konto bei {project}, das zu dieser Adresse gehört.",
        button: "Neues Passwort wählen",
        note: "Falls Sie das nicht waren, ist nichts zu tun: Ihr Passwort bleibt, wie es ist.",
    },
    user_invitation: Phrases {
        subject: "Sie sind eingeladen",
        heading: "Sie sind eingeladen",
        body: "Sie sind zu {project} eingeladen. Nehmen Sie die Einladung an und wählen Sie ein Passwort.",
        button: "Einladung annehmen",
        note: "Falls Sie das nicht erwartet haben, brauchen Sie nicht zu antworten.",
    },
    user_registration: Phrases {
        subject: "Bestätigen Sie Ihre E-Mail-Adresse",
        heading: "Nur noch ein Schritt",
        body: "Jemand, vermutlich Sie, hat sich mit dieser Adresse bei {project} registriert. Bestätigen Sie, dass sie Ihnen gehört.",
        button: "Adresse bestätigen",
        note: "Falls Sie das nicht waren, ist nichts zu tun: Ohne diesen Schritt kann niemand das Konto nutzen.",
    },
};

const FRENCH: Words = Words {
    tag: "fr",
    hint: "Si le bouton ne fonctionne pas, ouvrez cette adresse :",
    password_reset: Phrases {
        subject: "Demande de nouveau mot de passe",
        heading: "Choisir un nouveau mot de passe",
        body: "Quelqu’un, sans doute vous, demande un nouveau mot de passe pour le compte {project} lié à cette adresse.",
        button: "Choisir un mot de passe",
        note: "Si ce n’était pas vous, il n’y a rien à faire : votre mot de passe reste le même.",
    },
    user_invitation: Phrases {
        subject: "Une invitation pour vous",
        heading: "Une invitation pour vous",
        body: "Une invitation à {project} vous attend. Acceptez-la et choisissez un mot de passe pour entrer.",
        button: "Accepter l’invitation",
        note: "Si vous ne vous y attendiez pas, vous n’avez pas besoin de répondre.",
    },
    user_registration: Phrases {
        subject: "Confirmez votre adresse e-mail",
        heading: "Encore une étape",
        body: "Quelqu’un, sans doute vous, s’est inscrit à {project} avec cette adresse. Confirmez qu’elle est la vôtre.",
        button: "Confirmer l’adresse",
        note: "Si ce n’était pas vous, il n’y a rien à faire : sans cette étape, personne ne peut utiliser le compte.",
    },
};

const SPANISH: Words = Words {
    tag: "es",
    hint: "Si el botón no funciona, abra esta dirección:",
    password_reset: Phrases {
        subject: "Solicitud de nueva contraseña",
        heading: "Elija una nueva contraseña",
        body: "Alguien, probablemente usted, quiere una nueva contraseña para la cuenta de {project} que pertenece a esta dirección.",
        button: "Elegir una contraseña",
        note: "Si no fue usted, no tiene que hacer nada: su contraseña no cambia.",
    },
    user_invitation: Phrases {
        subject: "Tiene una invitación",
        heading: "Tiene una invitación",
        body: "Tiene una invitación a {project}. Acéptela y elija una contraseña para entrar.",
        button: "Aceptar la invitación",
        note: "Si no la esperaba, no hace falta que responda.",
    },
    user_registration: Phrases {
        subject: "Confirme su dirección de correo electrónico",
        heading: "Un paso más",
        body: "Alguien, probablemente usted, se registró en {project} con esta dirección. Confirme que es suya.",
        button: "Confirmar la dirección",
        note: "Si no fue usted, no tiene que hacer nada: sin este paso nadie puede usar la cuenta.",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_is_spoken_and_english_where_there_is_none() {
        let tag = |tags: &[&str]| Words::nearest(tags.iter().copied()).tag;
        assert_eq!(tag(&["de-AT", "fr"]), "de");
        assert_eq!(tag(&["it-IT", "fr-CA"]), "fr");
        assert_eq!(tag(&["it-IT", "pt"]), "en");
        assert_eq!(tag(&[]), "en");
    }

    #[test]
    fn the_english_subjects_are_those_of_directus() {
        let subject = |template: &str| ENGLISH.phrases(Kind::named(template).unwrap()).subject;
        assert_eq!(subject("password-reset"), "Password Reset Request");
        assert_eq!(subject("user-invitation"), "You've been invited");
        assert_eq!(subject("user-registration"), "Verify your email address");
        assert_eq!(Kind::named("base"), None);
    }

    #[test]
    fn every_body_names_the_project() {
        for words in &LANGUAGES {
            for kind in [Kind::PasswordReset, Kind::UserInvitation, Kind::UserRegistration] {
                assert!(words.phrases(kind).body.contains("{project}"), "{}", words.tag);
            }
        }
    }
}
