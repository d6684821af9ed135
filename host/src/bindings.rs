//! Types and traits generated from `wit/`: the host's only call of `bindgen!`.
//!
//! Both worlds share the driver's types, so that an identity passes from a driver to the rules without translation.

/// The world of the auth component.
pub(crate) mod auth {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "gatewit:worlds/auth",
        imports: {
            "gatewit:storage": async | trappable,
            "gatewit:drivers/dispatch.login": async,
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

/// The world of drivers that take credentials, and what `local` may use besides.
pub(crate) mod driver {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "gatewit:worlds/credentials-driver",
        exports: { default: async },
        with: {
            "gatewit:config/settings": super::auth::gatewit::config::settings,
            "gatewit:driver/types": super::auth::gatewit::driver::types,
            "gatewit:log/log": super::auth::gatewit::log::log,
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
