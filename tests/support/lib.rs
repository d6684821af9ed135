//! The harness of the tests: a real server process, a client that hides nothing, recorded exchanges and their replay.
//!
//! | module | what it is for |
//! |---|---|
//! | [`runner`] | runs test functions, tells passed, failed and skipped apart |
//! | [`needs`] | what a machine may lack; a test that needs it is skipped by name |
//! | [`server`] | starts the `gatewit` binary on a free port with a fresh database, and ends it |
//! | [`postgres`] | a real PostgreSQL server, where its programs are installed |
//! | [`directus`] | a real Directus, where npm can install it |
//! | [`mail`] | a real SMTP server, and the letters that it was given |
//! | [`oidc`] | a real OpenID provider, and who asked it what |
//! | [`upstream`] | a server that answers rightly, never, for ever or too much |
//! | [`forward_proxy`] | a real forward proxy, where it is installed or can be had |
//! | [`oci`] | a real registry of components, where it can be had |
//! | [`collector`] | a collector of traces, and what it was sent |
//! | [`application`] | an application behind a proxy, and what it was asked |
//! | [`front_proxy`] | real reverse proxies, where they are installed or can be had |
//! | [`authority`] | certificates of a private authority |
//! | [`guests`] | components that misbehave, and folders to serve them from |
//! | [`examples`] | the example drivers, built from several languages |
//! | [`host`] | a host in memory, for components without a server |
//! | [`command`] | the command line, as an operator types it |
//! | [`client`] | HTTP/1.1 over a socket: status, headers as sent, body |
//! | [`browser`] | keeps cookies, goes to a provider and comes back |
//! | [`traveller`] | a browser that goes from server to server |
//! | [`provider`] | a provider of OAuth 2.0 and OpenID Connect, and every way to misbehave |
//! | [`stage`] | a server and its provider, ready for sign-ins |
//! | [`slapd`] | a real directory, and its tree |
//! | [`samba`] | a real Active Directory |
//! | [`directory`] | a directory of one person, and every way to misbehave |
//! | [`chromium`] | a real browser, where one is installed or can be had |
//! | [`calls`] | the requests that many tests send |
//! | [`otp`] | codes of second factors |
//! | [`tokens`] | signs and reads JSON Web Tokens, the bad ones too |
//! | [`fixture`] | the file format of the recorded exchanges |
//! | [`binding`] | the names that stand for tokens in a fixture, and what they stand for in this run |
//! | [`compare`] | an answer against what was recorded: pure, every difference at once |
//! | [`replay`] | plays a fixture against a server |
//!
//! Nothing here knows how the server works inside.

pub mod application;
pub mod authority;
pub mod binding;
pub mod browser;
pub mod calls;
pub mod chromium;
pub mod client;
pub mod collector;
pub mod command;
pub mod compare;
pub mod directory;
pub mod directus;
pub mod examples;
pub mod fixture;
pub mod forward_proxy;
pub mod front_proxy;
pub mod guests;
pub mod host;
pub mod mail;
pub mod needs;
pub mod oci;
pub mod oidc;
pub mod operator;
pub mod otp;
pub mod postgres;
pub mod provider;
pub mod replay;
pub mod runner;
pub mod samba;
pub mod saml;
pub mod server;
pub mod simplesaml;
pub mod slapd;
pub mod stage;
pub mod tokens;
pub mod traveller;
pub mod upstream;
