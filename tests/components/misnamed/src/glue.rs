//! The bindings, and a name that is not the file's.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "gatewit:worlds/credentials-driver",
    generate_all,
});

use alloc::{string::String, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description},
    credentials::{self, Identity, Refusal},
};

struct Misnamed;

export!(Misnamed);

impl about::Guest for Misnamed {
    fn describe() -> Description {
        Description { name: "local".into(), fields: Vec::new(), settings: Vec::new() }
    }
}

impl credentials::Guest for Misnamed {
    fn login(_: Vec<String>) -> Result<Identity, Refusal> {
        Err(Refusal::InvalidCredentials)
    }
}
