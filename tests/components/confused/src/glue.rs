//! The bindings of a contract that has the names of ours. `about` is ours, `credentials` is not.

wit_bindgen::generate!({
    inline: "
        package gatewit:confused;

        world confused {
            export gatewit:driver/about@0.1.0;
            export gatewit:driver/credentials@0.1.0;
        }

        package gatewit:driver@0.1.0 {
            interface about {
                enum format { text, email, password }
                record field { name: string, format: format, identifies: bool }
                enum kind { boolean, number, text, %list, json, url, document, %keys }
                record setting {
                    name: string, kind: kind, default: option<string>, required: bool, secret: bool, help: string,
                }
                record description { name: string, fields: list<field>, settings: list<setting> }
                describe: func() -> description;
            }

            interface credentials {
                login: func(values: list<string>) -> result<string, string>;
            }
        }
    ",
    world: "gatewit:confused/confused",
    generate_all,
});

use alloc::{string::String, vec::Vec};
use exports::gatewit::driver::{
    about::{self, Description},
    credentials,
};

struct Confused;

export!(Confused);

impl about::Guest for Confused {
    fn describe() -> Description {
        Description { name: "confused".into(), fields: Vec::new(), settings: Vec::new() }
    }
}

impl credentials::Guest for Confused {
    fn login(values: Vec<String>) -> Result<String, String> {
        values.into_iter().next().ok_or_else(String::new)
    }
}
