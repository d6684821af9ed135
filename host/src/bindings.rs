//! Types and traits generated from `wit/`: the host's only call of `bindgen!`.
//!
//! The worlds share the driver's types, so that an identity passes from a driver to the rules without translation.

/// The world of the auth component.
pub(crate) mod auth {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "gatewit:worlds/auth",
        imports: {
            "gatewit:storage": async | trappable,
            "gatewit:drivers/dispatch.login": async,
            "gatewit:drivers/dispatch.begin": async,
            "gatewit:drivers/dispatch.recall": async,
            "gatewit:drivers/dispatch.finish": async,
            "gatewit:drivers/dispatch.refresh": async,
            "gatewit:drivers/dispatch.leave": async,
            "gatewit:drivers/dispatch.read-notice": async,
            "gatewit:drivers/dispatch.describe-us": async,
            "gatewit:keys": trappable,
            "gatewit:mail": async,
            "gatewit:passwords": async | trappable,
            "wasi:random": trappable,
        },
        exports: { default: async },
        with: { "gatewit:keys/signing.key": crate::capability::keys::Key },
        trappable_error_type: {
            "gatewit:keys/signing.error" => crate::capability::keys::Error,
            "gatewit:passwords/types.error" => crate::capability::passwords::Error,
            "gatewit:storage/types.error" => crate::capability::storage::Error,
        },
    });
}

/// Everything that a driver may export, of which each exports a part; and what no other component imports.
pub(crate) mod driver {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package gatewit:host;

            world drivers {
                import gatewit:cache/cache@0.1.0;
                import gatewit:keys/decryption@0.1.0;
                import gatewit:streams/streams@0.1.0;

                export gatewit:driver/about@0.1.0;
                export gatewit:driver/credentials@0.1.0;
                export gatewit:driver/redirect@0.1.0;
                export gatewit:driver/refresh@0.1.0;
                export gatewit:driver/logout@0.1.0;
                export gatewit:driver/metadata@0.1.0;
                export gatewit:driver/check@0.1.0;
            }
        ",
        world: "gatewit:host/drivers",
        imports: { "gatewit:keys": trappable, "gatewit:streams": async | trappable },
        exports: { default: async },
        with: {
            "gatewit:driver/types": super::auth::gatewit::driver::types,
            "gatewit:keys/signing": super::auth::gatewit::keys::signing,
            "gatewit:keys/decryption.key": crate::capability::keys::DecryptionKey,
            "gatewit:streams/streams.connection": crate::capability::streams::Line,
        },
        trappable_error_type: {
            "gatewit:keys/signing.error" => crate::capability::keys::Error,
            "gatewit:streams/streams.error" => crate::capability::streams::Error,
        },
    });
}

/// The capability that `local` alone has.
pub(crate) mod local {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package gatewit:host; world passwords { import gatewit:passwords/accounts@0.1.0; }",
        world: "gatewit:host/passwords",
        imports: { default: async | trappable },
        trappable_error_type: {
            "gatewit:passwords/types.error" => crate::capability::passwords::Error,
        },
        with: { "gatewit:passwords/types": super::auth::gatewit::passwords::types },
    });
}
