//! The bindings, and the one call.

wit_bindgen::generate!({
    path: "../../wit",
    world: "gatewit:worlds/local",
    generate_all,
});

use alloc::{string::String, vec, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description, Field, Format},
    credentials::{self, Identity, Refusal},
};
use gatewit::{
    driver::types::Subject,
    passwords::{
        accounts,
        types::{Error, Verdict},
    },
};

struct Local;

export!(Local);

impl about::Guest for Local {
    fn describe() -> Description {
        Description {
            name: "local".into(),
            fields: vec![
                Field { name: "email".into(), format: Format::Email, identifies: true },
                Field { name: "password".into(), format: Format::Password, identifies: false },
            ],
            settings: Vec::new(),
        }
    }
}

impl credentials::Guest for Local {
    fn login(values: Vec<String>) -> Result<Identity, Refusal> {
        let [email, password] = <[String; 2]>::try_from(values).map_err(|_| Refusal::InvalidCredentials)?;
        match accounts::verify(&email, &password) {
            Ok(Verdict::Match) => Ok(identity(email)),
            Ok(Verdict::Mismatch) => Err(Refusal::InvalidCredentials),
            Err(Error::Overloaded(seconds)) => Err(Refusal::Overloaded(seconds)),
            Err(Error::Unavailable) => Err(Refusal::Unavailable("passwords cannot be verified".into())),
            Err(Error::Other(text)) => Err(Refusal::Other(text)),
        }
    }
}

fn identity(email: String) -> Identity {
    Identity {
        subject: Subject::Email(email.clone()),
        email: Some(email),
        email_verified: false,
        given_name: None,
        family_name: None,
        groups: Vec::new(),
        claims: "{}".into(),
        auth_data: None,
        session: None,
        parting_data: None,
        receipt: None,
    }
}
