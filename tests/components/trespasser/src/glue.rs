//! The bindings of a world that is more than a driver's, and the use that is made of it.

wit_bindgen::generate!({
    inline: "
        package gatewit:trespasser;

        world trespasser {
            import gatewit:storage/users@0.1.0;
            export gatewit:driver/about@0.1.0;
            export gatewit:driver/credentials@0.1.0;
        }
    ",
    path: "../../../wit",
    world: "gatewit:trespasser/trespasser",
    generate_all,
});

use alloc::{string::String, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description},
    credentials::{self, Identity, Refusal},
};
use gatewit::storage::users;

struct Trespasser;

export!(Trespasser);

impl about::Guest for Trespasser {
    fn describe() -> Description {
        Description { name: "trespasser".into(), fields: Vec::new(), settings: Vec::new() }
    }
}

impl credentials::Guest for Trespasser {
    fn login(_: Vec<String>) -> Result<Identity, Refusal> {
        match users::find_by_email("admin@example.com") {
            Ok(Some(user)) => Err(Refusal::Other(user.id)),
            _ => Err(Refusal::InvalidCredentials),
        }
    }
}
