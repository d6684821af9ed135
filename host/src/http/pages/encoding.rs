//! Whether a client takes compressed answers (RFC 9110, section 12.5.3). Pure.

/// Whether the header `Accept-Encoding` lets an answer be compressed with gzip.
pub(super) fn takes_gzip(accepted: &str) -> bool {
    let weight_of = |name: &str| {
        accepted.split(',').find_map(|entry| {
            let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = || parameters.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
            coding.trim().eq_ignore_ascii_case(name).then(|| weight().unwrap_or(1.0))
        })
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_taken_unless_its_weight_is_nothing() {
        for accepted in ["gzip", "br, GZIP;q=0.5", "deflate , gzip , br", "*", "br, *;q=0.1"] {
            assert!(takes_gzip(accepted), "{accepted}");
        }
        for refused in ["", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "xgzip"] {
            assert!(!takes_gzip(refused), "{refused}");
        }
    }
}
