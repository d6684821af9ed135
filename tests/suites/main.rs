//! All tests that need a server or the source tree, in one binary: each further one would be linked again.
//!
//! `cargo test --release -p e2e --test suites -- [part of a name]…`

mod accounts;
mod active_directory;
mod adoption;
mod audit;
mod cli;
mod component_cli;
mod conformance;
mod crash;
mod directory_rules;
mod directus;
mod disk;
mod drivers;
mod embedded;
mod embedding;
mod embedding_c;
mod embedding_node;
mod embedding_python;
mod fault_injection;
mod faults;
mod foreign_drivers;
mod forward_auth;
mod frozen;
mod grants;
mod graphql;
mod guests;
mod hostile;
mod hot_swap;
mod jose;
mod ldap;
mod ldap_faults;
mod live_providers;
mod mail;
mod membership;
mod oauth2;
mod open_sessions;
mod openid_faults;
mod openid_rp;
mod openid_sessions;
mod openid_tenants;
mod operate;
mod other_runtimes;
mod outbound;
mod pages;
mod passwords;
mod postgres;
mod presets;
mod provider_settings;
mod redirect_drivers;
mod registries;
mod reverse_proxy;
mod rotation;
mod rules;
mod saml;
mod saml_corpus;
mod saml_people;
mod saml_recorded;
mod saml_settings;
mod sdk;
mod sdk_web;
mod second_factor;
mod sessions;
mod single_sign_on;
mod starts;
mod still;
mod studio;
mod swap_hosts;
mod swap_refusals;
mod swap_trials;
mod swap_watching;
mod telemetry;
mod tidy;
mod wire;
mod world;

use std::process::ExitCode;

use e2e::runner::Test;

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    // A target folder may be shared between checkouts: say whose server the results are about.
    match e2e::server::binary() {
        Ok(path) => println!("server  {}", path.display()),
        Err(error) => println!("server  {error:#}"),
    }
    // Minutes of compiling, the first time: not beside tests that look at the clock. Where it fails, tests say why.
    if filters.is_empty() || filters.iter().any(|filter| filter.contains("directus") || filter.contains("studio")) {
        e2e::directus::install();
    }
    e2e::runner::run(SUITES.iter().flat_map(|suite| suite()).collect(), &filters)
}

/// All of them, those first that need least.
const SUITES: [fn() -> Vec<Test>; 72] = [
    tidy::tests,
    world::tests,
    drivers::tests,
    conformance::tests,
    foreign_drivers::tests,
    other_runtimes::tests,
    frozen::tests,
    fault_injection::tests,
    redirect_drivers::tests,
    rules::tests,
    membership::tests,
    directory_rules::tests,
    wire::tests,
    accounts::tests,
    second_factor::tests,
    sessions::tests,
    open_sessions::tests,
    operate::tests,
    audit::tests,
    rotation::tests,
    cli::tests,
    openid_rp::tests,
    openid_sessions::tests,
    openid_faults::tests,
    openid_tenants::tests,
    presets::tests,
    provider_settings::tests,
    oauth2::tests,
    saml_corpus::tests,
    jose::tests,
    passwords::tests,
    faults::tests,
    outbound::tests,
    hot_swap::tests,
    swap_refusals::tests,
    swap_trials::tests,
    swap_watching::tests,
    swap_hosts::tests,
    registries::tests,
    grants::tests,
    live_providers::tests,
    telemetry::tests,
    hostile::tests,
    graphql::tests,
    starts::tests,
    still::tests,
    disk::tests,
    postgres::tests,
    directus::tests,
    adoption::tests,
    crash::tests,
    mail::tests,
    component_cli::tests,
    sdk::tests,
    sdk_web::tests,
    pages::tests,
    single_sign_on::tests,
    ldap::tests,
    ldap_faults::tests,
    active_directory::tests,
    saml::tests,
    saml_people::tests,
    saml_recorded::tests,
    saml_settings::tests,
    embedded::tests,
    embedding::tests,
    reverse_proxy::tests,
    forward_auth::tests,
    studio::tests,
    embedding_c::tests,
    embedding_node::tests,
    embedding_python::tests,
];
