//! The bindings of rules that have the names of ours and nothing else in common with them.

wit_bindgen::generate!({
    inline: "
        package gatewit:confused;

        world rules {
            export gatewit:auth/access@0.1.0;
            export gatewit:auth/identities@0.1.0;
            export gatewit:auth/invitations@0.1.0;
            export gatewit:auth/open-sessions@0.1.0;
            export gatewit:auth/profile@0.1.0;
            export gatewit:auth/providers@0.1.0;
            export gatewit:auth/records@0.1.0;
            export gatewit:auth/recovery@0.1.0;
            export gatewit:auth/registration@0.1.0;
            export gatewit:auth/second-factor@0.1.0;
            export gatewit:auth/sessions@0.1.0;
            export gatewit:auth/shares@0.1.0;
            export gatewit:auth/single-sign-on@0.1.0;
        }

        package gatewit:auth@0.1.0 {
            interface access { authenticate: func(); }
            interface identities { %list: func(); unlink: func(); }
            interface invitations { invite: func(); accept: func(); }
            interface open-sessions { %list: func(); end: func(); end-all: func(); }
            interface profile { me: func(); }
            interface providers { %list: func(); }
            interface records {
                %list: func(); read: func(); create: func(); update: func(); delete: func(); rights: func();
            }
            interface recovery { request: func(); reset: func(); }
            interface registration { register: func(); verify: func(); }
            interface second-factor {
                generate: func(); enable: func(); disable: func(); remove: func(); recovery-codes: func();
            }
            interface sessions { login: func(); refresh: func(); logout: func(); }
            interface shares { login: func(); info: func(); }
            interface single-sign-on { begin: func(); finish: func(); leave: func(); notice: func(); describe-us: func(); }
        }
    ",
    world: "gatewit:confused/rules",
    generate_all,
    stubs,
});
