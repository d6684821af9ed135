//! Keys whose private half can be found out: those of a library that made RSA primes out of a pattern (CVE-2017-15361, "ROCA";
//! Nemec and others, "The Return of Coppersmith's Attack", section 3.4). They are still on smart cards.
//!
//! Such a modulus is a power of 65537 modulo every small prime, which for another one is a chance of 2⁻¹⁵⁰. Absent: what
//! whoever verifies sees anyway, such as the length of a modulus.

/// The primes that the pattern was made with, for the shortest keys; longer ones have it for more of them.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// What the pattern consists of powers of.
const GENERATOR: u32 = 65_537;

/// Whether a modulus, most significant byte first, has the pattern.
pub(crate) fn has_pattern(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| is_power(remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power(rest: u32, prime: u32) -> bool {
    let mut power = 1;
    // There are fewer powers than the prime is large, and then they come again.
    for _ in 0..prime {
        if power == rest {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn a_key_of_that_library_is_told_from_others() {
        // Of Wycheproof, json_web_crypto 46; and of RFC 7515, appendix A.2.
        let pattern = "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09y\
            BFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxu\
            TEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQ\
            VZ-QYyE";
        let other = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
            S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6\
            65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\
            oQ";
        assert!(has_pattern(&decode(pattern)));
        assert!(!has_pattern(&decode(other)));
        assert!(!has_pattern(&[]));
    }
}
