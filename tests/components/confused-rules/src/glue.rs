//! The bindings of rules that have the names of ours and nothing else in common with them.

wit_bindgen::generate!({
    inline: "
        package gatewit:confused;

        world rules {
            export gatewit:auth/access@0.1.0;
            export gatewit:auth/sessions@0.1.0;
            export gatewit:auth/profile@0.1.0;
            export gatewit:auth/providers@0.1.0;
        }

        package gatewit:auth@0.1.0 {
            interface access { authenticate: func(); }
            interface sessions { login: func(); refresh: func(); logout: func(); }
            interface profile { me: func(); }
            interface providers { %list: func(); }
        }
    ",
    world: "gatewit:confused/rules",
    generate_all,
});

use exports::gatewit::auth::{access, profile, providers, sessions};

struct Confused;

export!(Confused);

impl access::Guest for Confused {
    fn authenticate() {}
}

impl sessions::Guest for Confused {
    fn login() {}
    fn refresh() {}
    fn logout() {}
}

impl profile::Guest for Confused {
    fn me() {}
}

impl providers::Guest for Confused {
    fn list() {}
}
