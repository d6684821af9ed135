//! Sizes as the npm package `bytes` reads them: `1mb`, `1.5 GB`, `100kb`, a bare number of bytes. Units are powers of 1024.
//!
//! Deliberately absent: its fallback that takes the digits before anything unknown (`1mbx` → 1 byte); that is refused.

use super::cast::whole;

/// Bytes that `text` says; a fraction of a byte is cut off.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (number, unit) = text.split_at_checked(end)?;
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.') && !number.starts_with('.');
    let number: f64 = plain.then(|| number.parse().ok()).flatten()?;
    whole((number * unit_bytes(unit.trim_start_matches(' '))?).floor())
}

fn unit_bytes(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1024.0,
        "mb" => 1_048_576.0,
        "gb" => 1_073_741_824.0,
        "tb" => 1_099_511_627_776.0,
        "pb" => 1_125_899_906_842_624.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_read_as_in_bytes() {
        for (text, size) in [
            ("1mb", 1_048_576),
            ("1.5kb", 1536),
            ("100 KB", 102_400),
            ("2GB", 2_147_483_648),
            ("512", 512),
            ("7b", 7),
            ("0.0001kb", 0),
        ] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_size() {
        for text in ["", "mb", "1mbx", "-1mb", "1 m", "1.2.3kb", "1e3", "99999999pb"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_size_takes_any_text(text in any::<String>()) {
            let _ = bytes(&text);
        }

        #[test]
        fn whole_kilobytes_survive(n in 0_u32..) {
            prop_assert_eq!(bytes(&format!("{n}kb")), Some(u64::from(n) * 1024));
        }
    }
}
