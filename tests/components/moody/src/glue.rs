//! The bindings, and the mood.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guest:moody;
        world moody {
            include gatewit:worlds/credentials-driver@0.1.0;
            export gatewit:driver/check@0.1.0;
        }
    ",
    world: "guest:moody/moody",
    generate_all,
});

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use exports::gatewit::driver::{
    about::{self, Description, Field, Format},
    check, credentials,
};
use gatewit::driver::types::{Identity, Refusal};

/// What tests write over.
static MOOD: &str = "in a good mood";

struct Moody;

export!(Moody);

impl about::Guest for Moody {
    fn describe() -> Description {
        let field = Field { name: "name".to_string(), format: Format::Text, identifies: true };
        Description { name: "moody".to_string(), fields: vec![field], settings: vec![] }
    }
}

impl credentials::Guest for Moody {
    fn login(_: Vec<String>) -> Result<Identity, Refusal> {
        Err(Refusal::InvalidCredentials)
    }
}

impl check::Guest for Moody {
    fn check() -> Result<Vec<String>, Refusal> {
        let mood = core::hint::black_box(MOOD);
        if mood.contains("good") { Ok(vec![mood.to_string()]) } else { Err(Refusal::Refused(mood.to_string())) }
    }
}
