//! The bindings, and the misbehaviours.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "gatewit:worlds/credentials-driver",
    generate_all,
});

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::hint::black_box;
use exports::gatewit::driver::{
    about::{self, Description, Format, Kind},
    credentials::{self, Identity, Refusal},
};
use gatewit::{
    driver::types::Subject,
    log::log::{self, Field, Level},
    streams::streams,
};

/// How often `flood` writes to the log.
const FLOOD_LINES: usize = 100_000;
/// How many connections `connect` wants.
const CONNECTIONS: usize = 10_000;
/// Bytes of one piece that `hoard` takes.
const PIECE_BYTES: usize = 1 << 16;

struct Rogue;

export!(Rogue);

impl about::Guest for Rogue {
    fn describe() -> Description {
        let field = |name: &str| about::Field { name: name.to_string(), format: Format::Text, identifies: false };
        let server = about::Setting {
            name: "url".to_string(),
            kind: Kind::Url,
            default: None,
            required: false,
            secret: false,
            help: "Where `connect` may connect to".to_string(),
        };
        Description { name: "rogue".to_string(), fields: vec![field("what"), field("value")], settings: vec![server] }
    }
}

impl credentials::Guest for Rogue {
    fn login(values: Vec<String>) -> Result<Identity, Refusal> {
        let [what, value] = <[String; 2]>::try_from(values).map_err(|_| Refusal::InvalidCredentials)?;
        match what.as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "spin" => spin(),
            "hoard" => hoard(),
            "recurse" => Err(Refusal::Other(recurse(1).to_string())),
            "flood" => Err(flood(&value)),
            "connect" => Err(connect(&value)),
            // As many megabytes as the value says, of what nobody asked for.
            "huge" => Ok(Identity { claims: "x".repeat(megabytes(&value)), ..somebody() }),
            "huge-refusal" => Err(Refusal::Refused("x".repeat(megabytes(&value)))),
            "garbage" => Ok(Identity { claims: not_a_text(), ..somebody() }),
            // Says to be the account with this address, which is not this provider's.
            "impostor" => Ok(Identity { subject: Subject::Email(value), ..somebody() }),
            "honest" => Ok(Identity { subject: Subject::Identifier(value), ..somebody() }),
            "refuse" => Err(Refusal::Refused("not today".to_string())),
            _ => Err(Refusal::InvalidCredentials),
        }
    }
}

/// Nobody who has an account.
fn somebody() -> Identity {
    Identity {
        subject: Subject::Email("nobody-at-all@example.com".to_string()),
        email: None,
        email_verified: false,
        given_name: None,
        family_name: None,
        groups: Vec::new(),
        claims: "{}".to_string(),
        auth_data: None,
        session: None,
        parting_data: None,
        receipt: None,
    }
}

fn megabytes(value: &str) -> usize {
    value.parse::<usize>().unwrap_or(1) << 20
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

fn hoard() -> ! {
    loop {
        core::mem::forget(black_box(vec![1_u8; PIECE_BYTES]));
    }
}

/// Has work left after the call, so that it is no loop in disguise.
#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 8]);
    recurse(depth + 1) + room[black_box(3)]
}

fn flood(value: &str) -> Refusal {
    let fields = [
        Field { name: "password".to_string(), value: value.to_string() },
        Field { name: "step".to_string(), value: "one of many".to_string() },
    ];
    for _ in 0..FLOOD_LINES {
        log::write(Level::Warn, "the flood rises", &fields);
    }
    Refusal::InvalidCredentials
}

/// Opens connections to a port on this machine, and keeps them.
fn connect(port: &str) -> Refusal {
    let port = port.parse().unwrap_or_default();
    let open: Vec<_> = (0..CONNECTIONS).filter_map(|_| streams::connect("127.0.0.1", port, false).ok()).collect();
    Refusal::Refused(open.len().to_string())
}

fn not_a_text() -> String {
    // SAFETY: none: the bytes are no UTF-8. That is what the host has to find out.
    unsafe { String::from_utf8_unchecked(black_box(vec![0xff, 0xfe, 0xc0])) }
}
