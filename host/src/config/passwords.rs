//! `[passwords]`: what a new password hash costs, and how much hashing goes on at once.
//!
//! Invariant: the parameters are within the limits of Argon2 (RFC 9106 §3.1), so hashing never fails for them. They count
//! for new hashes only; an old one is verified with its own.

use super::cast::Value;
use super::decode::{integer, optional_text};
use super::error::Refusal;
use super::setting::{Setting, put};

/// Largest values of RFC 9106 §3.1: memory and passes are 32-bit numbers, lanes a 24-bit number.
const U32_MAX: u64 = u32::MAX as u64;
const PARALLELISM_MAX: u64 = (1 << 24) - 1;

/// Lengths of a hash in bytes. Argon2 itself takes 4 to 2^32-1; PHC strings, in which hashes are kept, 10 to 64.
const HASH_LENGTH: (u64, u64) = (10, 64);

/// Longest associated data, in bytes, that an Argon2 PHC string holds.
const ASSOCIATED_DATA_BYTES_MAX: usize = 32;

/// Hashing of passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// Memory of one hash in KiB (`HASH_MEMORY_COST`, default 65536).
    pub memory_cost_kib: u32,
    /// Passes over it (`HASH_TIME_COST`, default 3).
    pub time_cost: u32,
    /// Lanes (`HASH_PARALLELISM`, default 4).
    pub parallelism: u32,
    /// Length of a hash in bytes (`HASH_HASH_LENGTH`, default 32).
    pub hash_length_bytes: u32,
    /// Variant (`HASH_TYPE`, default 2: Argon2id).
    pub variant: Argon2Variant,
    /// Associated data (`HASH_ASSOCIATED_DATA`, default none), at most 32 bytes.
    pub associated_data: Option<String>,
    /// Threads that hash (`GATEWIT_HASH_WORKERS`); `None`, the default: one per processor core. As many as a hash has lanes
    /// work on one hash.
    pub workers: Option<u32>,
    /// Hashes that may wait for a thread before further ones are refused (`GATEWIT_HASH_QUEUE`, default 256).
    pub queue: u32,
}

/// Variants of Argon2, with the numbers of node-argon2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argon2Variant {
    /// 0
    Argon2d,
    /// 1
    Argon2i,
    /// 2
    Argon2id,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            memory_cost_kib: 65_536,
            time_cost: 3,
            parallelism: 4,
            hash_length_bytes: 32,
            variant: Argon2Variant::Argon2id,
            associated_data: None,
            workers: None,
            queue: 256,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("HASH_MEMORY_COST", "passwords.memory_cost", |c, v| {
        put(&mut c.passwords.memory_cost_kib, integer(v, 8, U32_MAX))
    }),
    Setting::new("HASH_TIME_COST", "passwords.time_cost", |c, v| {
        put(&mut c.passwords.time_cost, integer(v, 1, U32_MAX))
    }),
    Setting::new("HASH_PARALLELISM", "passwords.parallelism", |c, v| {
        put(&mut c.passwords.parallelism, integer(v, 1, PARALLELISM_MAX))
    }),
    Setting::new("HASH_HASH_LENGTH", "passwords.hash_length", |c, v| {
        put(&mut c.passwords.hash_length_bytes, integer(v, HASH_LENGTH.0, HASH_LENGTH.1))
    }),
    Setting::new("HASH_TYPE", "passwords.variant", |c, v| put(&mut c.passwords.variant, variant(v))),
    Setting::new("HASH_ASSOCIATED_DATA", "passwords.associated_data", |c, v| {
        put(&mut c.passwords.associated_data, associated_data(v))
    })
    .secret(),
    Setting::new("GATEWIT_HASH_WORKERS", "passwords.workers", |c, v| {
        put(&mut c.passwords.workers, integer(v, 1, 1024).map(Some))
    }),
    Setting::new("GATEWIT_HASH_QUEUE", "passwords.queue", |c, v| put(&mut c.passwords.queue, integer(v, 0, 65_536))),
];

fn variant(value: &Value) -> Result<Argon2Variant, Refusal> {
    match integer::<u8>(value, 0, 2) {
        Ok(0) => Ok(Argon2Variant::Argon2d),
        Ok(1) => Ok(Argon2Variant::Argon2i),
        Ok(2) => Ok(Argon2Variant::Argon2id),
        _ => Err(Refusal::new("is not a variant of Argon2; write 0 (argon2d), 1 (argon2i) or 2 (argon2id)")),
    }
}

fn associated_data(value: &Value) -> Result<Option<String>, Refusal> {
    let data = optional_text(value)?;
    if data.as_ref().is_some_and(|data| data.len() > ASSOCIATED_DATA_BYTES_MAX) {
        return Err(Refusal::new(format!("is longer than {ASSOCIATED_DATA_BYTES_MAX} bytes")));
    }
    Ok(data)
}

impl Passwords {
    /// What the settings must satisfy together: RFC 9106 §3.1 wants at least 8 KiB a lane.
    pub(super) fn problem(&self) -> Option<String> {
        let least = u64::from(self.parallelism) * 8;
        let text = format!(
            "HASH_MEMORY_COST: {} is less than 8 KiB for each of HASH_PARALLELISM={}; write at least {least}",
            self.memory_cost_kib, self.parallelism
        );
        (u64::from(self.memory_cost_kib) < least).then_some(text)
    }
}
