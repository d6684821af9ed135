//! The bindings, and nothing that works: every function is a stub, which traps.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "gatewit:worlds/auth",
    generate_all,
    stubs,
});
