//! Argon2 (RFC 9106) by the `argon2` crate: hashing, verifying, comparing costs. Pure but for the memory it is lent.

use crate::{
    capability::clock::Clock,
    config::{self, Argon2Variant},
};
use ::argon2::{
    Algorithm, Argon2, Block, Params, ParamsBuilder, Version,
    password_hash::phc::{Output, PasswordHash, Salt as PhcSalt},
};
use subtle::ConstantTimeEq;

/// Bytes of a salt (RFC 9106, section 3.1: 16 bytes for password hashing).
const SALT_BYTES: usize = 16;

/// Memory that one stored hash may ask for, in KiB. A hash that was imported with more would let one sign-in take all.
const STORED_MEMORY_KIB_MAX: u32 = 1 << 20;

/// A fresh salt.
pub(crate) type Salt = [u8; SALT_BYTES];

/// Why a hash could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured parameters are out of Argon2's limits.
    #[error("argon2 refuses its parameters: {0}")]
    Parameters(String),
    /// The stored hash asks for more than one sign-in may use.
    #[error("a stored hash asks for {0} KiB of memory")]
    Greedy(u32),
    /// There is no randomness.
    #[error("no random bytes")]
    Random(#[from] std::io::Error),
    /// A PHC string could not be written.
    #[error("the hash cannot be written as a text: {0}")]
    Phc(String),
}

impl Error {
    /// Their type is not one of our own interface.
    fn parameters(error: ::argon2::Error) -> Self {
        Self::Parameters(error.to_string())
    }

    fn phc(error: ::argon2::password_hash::phc::Error) -> Self {
        Self::Phc(error.to_string())
    }
}

/// What a new hash costs.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    algorithm: Algorithm,
    params: Params,
}

impl Cost {
    /// The configured cost.
    pub(crate) fn new(settings: &config::Passwords) -> Result<Self, Error> {
        let mut builder = ParamsBuilder::new();
        builder
            .m_cost(settings.memory_cost_kib)
            .t_cost(settings.time_cost)
            .p_cost(settings.parallelism)
            .output_len(usize::try_from(settings.hash_length_bytes).unwrap_or(usize::MAX));
        if let Some(data) = &settings.associated_data {
            builder.data(::argon2::AssociatedData::new(data.as_bytes()).map_err(Error::parameters)?);
        }
        let algorithm = match settings.variant {
            Argon2Variant::Argon2d => Algorithm::Argon2d,
            Argon2Variant::Argon2i => Algorithm::Argon2i,
            Argon2Variant::Argon2id => Algorithm::Argon2id,
        };
        Ok(Self { algorithm, params: builder.build().map_err(Error::parameters)? })
    }
}

/// A fresh salt from the source of randomness.
pub(crate) fn salt(clock: &dyn Clock) -> Result<Salt, Error> {
    let mut salt = Salt::default();
    clock.fill(&mut salt)?;
    Ok(salt)
}

/// The PHC string of a new password.
pub(crate) fn hash(cost: &Cost, password: &[u8], salt: Salt, memory: &mut Vec<Block>) -> Result<String, Error> {
    let output = digest(cost.algorithm, Version::V0x13, &cost.params, password, &salt, memory)?;
    let hash = PasswordHash {
        algorithm: cost.algorithm.ident(),
        version: Some(Version::V0x13.into()),
        params: (&cost.params)
            .try_into()
            .map_err(|_| Error::phc(::argon2::password_hash::phc::Error::ParamValueInvalid))?,
        salt: Some(PhcSalt::new(&salt).map_err(Error::phc)?),
        hash: Some(Output::new(&output).map_err(Error::phc)?),
    };
    Ok(hash.to_string())
}

/// Whether a password fits a stored PHC string. Without one, or with one that is not Argon2's, it fits nothing and costs
/// as much as if it might.
pub(crate) fn verify(
    cost: &Cost,
    stored: Option<&str>,
    password: &[u8],
    memory: &mut Vec<Block>,
) -> Result<bool, Error> {
    let Some(stored) = stored.and_then(parse) else {
        let decoy = digest(cost.algorithm, Version::V0x13, &cost.params, password, &Salt::default(), memory)?;
        return Ok(std::hint::black_box(decoy).is_empty());
    };
    if stored.params.m_cost() > STORED_MEMORY_KIB_MAX {
        return Err(Error::Greedy(stored.params.m_cost()));
    }
    let computed = digest(stored.algorithm, stored.version, &stored.params, password, &stored.salt, memory)?;
    Ok(computed.ct_eq(&stored.hash).into())
}

/// Whether a stored hash costs an attacker less than a new one would.
pub(crate) fn is_cheaper(cost: &Cost, stored: &str) -> bool {
    let work = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
    parse(stored).is_some_and(|stored| {
        stored.algorithm != cost.algorithm
            || stored.version != Version::V0x13
            || stored.params.m_cost() < cost.params.m_cost()
            || work(&stored.params) < work(&cost.params)
    })
}

/// A stored hash, taken apart.
struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

fn parse(text: &str) -> Option<Stored> {
    let phc = PasswordHash::new(text).ok()?;
    Some(Stored {
        algorithm: Algorithm::try_from(phc.algorithm.as_str()).ok()?,
        version: phc.version.map_or(Some(Version::V0x10), |version| Version::try_from(version).ok())?,
        params: Params::try_from(&phc).ok()?,
        salt: phc.salt?.as_ref().to_vec(),
        hash: phc.hash?.as_ref().to_vec(),
    })
}

fn digest(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &[u8],
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Result<Vec<u8>, Error> {
    let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let lent = memory.get_mut(..blocks).unwrap_or_default();
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password, salt, &mut output, lent)
        .map_err(Error::parameters)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(memory: u32, passes: u32) -> Cost {
        let settings = config::Passwords {
            memory_cost_kib: memory,
            time_cost: passes,
            parallelism: 1,
            ..config::Passwords::default()
        };
        Cost::new(&settings).unwrap()
    }

    fn fits(stored: &str, password: &str) -> bool {
        verify(&cost(8, 1), Some(stored), password.as_bytes(), &mut Vec::new()).unwrap()
    }

    #[test]
    fn a_new_hash_verifies_and_is_in_the_form_of_the_wire() {
        let stored = hash(&cost(64, 2), b"pass word", [7; SALT_BYTES], &mut Vec::new()).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{stored}");
        assert!(fits(&stored, "pass word"));
        assert!(!fits(&stored, "pass  word"));
        assert!(!fits(&stored, ""));
    }

    #[test]
    fn hashes_of_other_programs_verify() {
        // Made by the reference implementation: `password`, salt `somesalt`; argon2 -t 2 -m 8 -p 1 -l 24 and so on.
        let i = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
        let id = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(fits(i, "password") && !fits(i, "Password"));
        assert!(fits(id, "password") && !fits(id, "Password"));
    }

    #[test]
    fn what_is_no_argon2_hash_fits_nothing() {
        for stored in
            ["", "password", "$2b$10$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ", "$argon2id$"]
        {
            assert!(!fits(stored, "password"), "{stored}");
        }
        assert!(!verify(&cost(8, 1), None, b"password", &mut Vec::new()).unwrap());
    }

    #[test]
    fn a_stored_hash_cannot_take_all_memory() {
        let greedy = "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(matches!(verify(&cost(8, 1), Some(greedy), b"x", &mut Vec::new()), Err(Error::Greedy(4_194_304))));
    }

    #[test]
    fn cheaper_hashes_are_recognised() {
        let stored = |memory, passes| hash(&cost(memory, passes), b"x", [0; SALT_BYTES], &mut Vec::new()).unwrap();
        assert!(is_cheaper(&cost(64, 2), &stored(32, 2)));
        assert!(is_cheaper(&cost(64, 2), &stored(64, 1)));
        assert!(!is_cheaper(&cost(64, 2), &stored(64, 2)));
        assert!(!is_cheaper(&cost(64, 2), &stored(128, 2)));
    }

    #[test]
    fn memory_is_used_again() {
        let mut memory = Vec::new();
        let first = hash(&cost(64, 1), b"x", [1; SALT_BYTES], &mut memory).unwrap();
        let other = hash(&cost(128, 1), b"y", [2; SALT_BYTES], &mut memory).unwrap();
        assert_eq!(first, hash(&cost(64, 1), b"x", [1; SALT_BYTES], &mut memory).unwrap());
        assert_ne!(first, other);
        assert_eq!(memory.len(), 128);
    }
}
