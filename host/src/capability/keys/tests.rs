//! What keys are taken, what keys are denied, and that what one side signs the other verifies.

use super::{Backend, Denied, private, public::PublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};

/// An RSA key that was made for these tests.
fn rsa() -> Json {
    json!({
        "kty": "RSA", "e": "AQAB",
        "n": "32tvemLyT1e9zQWv21pgWLZ7wtiMrGwAZZeeAlO0qLU4TOi9c651bsaU8uNd88Ps3n8PZlMRFqB5YLQInPnJ6snmFUAgWEvv1hyoExWqTWlzr0FjpuUUzUY4RVE2rB8UTvmZzqRpI_NBG_hmZbYxLbowGARPbA4Uq37ZPKOLADenZwQf3yko6-rSyzxRY_kv73JNZRwsKfcNGaWaqTd0YcCkUHSFPp0_cFb4SDo08HElnLcI0-HD-RJxwryJSmJTpSuVYIq7MA3wwI0GjCnuivdA_w81WR3u3_Xz8hRqBJcVD0Cgo2Q0FoF5uOMCR-AYC7x1wtHRoCmOG1uoP0i1uw",
        "d": "ZS0DflJ5temfl813_md2kyYMdMfZKKn-IgOfuCENAouSk-2gAdei8Yf3YukJHn9-8KFsqWN7rRn97YeKEQBjarKEweHY4_N7iKRQjtf0V_sluttrU-SQ34bpq6ZkEl0-tqb8-qHkxTV_Kjn6sRvpOHKFHhMxnlbgEGuw1--d3nn8iLkO3zA5aykzhH3meqDBhu86hD_r3vAJi-OLtYGZl4fee17PoEbrCgh0oQtxdyDdx2tFatMGUPevtmaeqK1KqErp8_pwBthNJLR7mrYfSbQzXntQlouVIopxePvVldfCdbyh78emJz1RqdOA4Se8t7FODPmp-2zcQ4PfpxIrfQ",
        "p": "_r7gwe73O3ZOXaF4rnoSbgRw3OyoGj58hNIKMl8f-yDVELZ-ZJMSeipjET28ICQiDfrX_hlUxHh3Mm9V2w1n50Vm5XRxi3-n5h1Vc4rc4jrPGIur_SEMpU89U_w7GmQB6VIJWPjadRh77Frt_rAjr3inNQNa1hyG-84EiIUp6zU",
        "q": "4IURvCw2WyH_BvMxp3AJ7GX1oY5AUqy7MyyWBihp_KhRVJRW1v4GkKFt2i8sSG-G-9rYE_hsh4kCBrWzrHr0byWEkdhZwj9DsrlAIw_8ATER1pPf_aWb61LIfM5_8FY62QfrLFp5EHw3jEvR6OCYzE-GmQja9bm8vHP5Vrm2Sy8",
        "dp": "TR96qhvvq4fgp8YX5DK-26HqjWf0aKWcSxXP0nosE3pYJwwo7cf84xFsFq8rAkwOJ09XDu2aVTTnWVSNmJjRaRoA0dzT91i5exhMY4OZ5b_KLPM0KZlU28NGnOOS_SVj0sBsZgxJDwRPmDnbLa0j0J7leE5AtOvEDf3ML4ypKTU",
        "dq": "fJyeqUgIqzAFMcBMsNfYSiKU4CPpw3knNVHrumM34AkzirQCNrUqw581L0G7XEC6NJLUFtFsuxTp0PuMS5C6le3G1IO13b_rPQjgdhVrEuY_Nk9ApLEEBuodaFfcXnIdm1NvzWAxjVrEIdP7Hzt40vzYgZuOm4-JFzdvDhlo-fU",
        "qi": "O6RH5NAWS6tLdJMLCHtN6-83c8-3fjQyZ0TksaehZaAIys5m6IGSRL1r0cpbG6znJqT7aZLDq7m53Ozzy4bFMaSglM_oWYz5ftDu8uLx8KtSzNcZy4FwP7lCeO_t_Go8snAKTN6atbX5UVZ47kGvzj8-qTbHFa8nQtgWEO5zpug"
    })
}

/// The key of RFC 7515, appendix A.3.
fn ec() -> Json {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
    })
}

/// The key of RFC 8037, appendix A.
fn edwards() -> Json {
    json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "ours",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    })
}

fn with(mut key: Json, member: &str, value: impl Into<Json>) -> Json {
    key[member] = value.into();
    key
}

fn denied(key: &Json, algorithm: &str) -> Option<Denied> {
    PublicKey::from_jwk(&key.to_string(), algorithm).err()
}

#[test]
fn what_a_private_key_signs_its_public_half_verifies() {
    for (key, algorithms) in [
        (rsa(), ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].as_slice()),
        (ec(), ["ES256"].as_slice()),
        (edwards(), ["EdDSA", "Ed25519"].as_slice()),
    ] {
        for algorithm in algorithms {
            let ours = private::first(&with(key.clone(), "alg", *algorithm)).unwrap().signs;
            let theirs = PublicKey::from_jwk(&key.to_string(), algorithm).unwrap();
            assert_eq!((ours.algorithm(), theirs.algorithm()), (*algorithm, *algorithm));
            let signature = ours.sign(b"message").unwrap();
            assert!(theirs.verify(b"message", &signature) && ours.verify(b"message", &signature).unwrap());
            assert!(!theirs.verify(b"massage", &signature) && !ours.verify(b"massage", &signature).unwrap());
            assert!(!theirs.verify(b"message", &signature[1..]) && !theirs.verify(b"message", &[]));
            assert!(Backend::sign(&theirs, b"message").is_err(), "a key of somebody else signs nothing");
        }
    }
}

#[test]
fn the_signature_of_rfc_7515_is_verified() {
    // Appendix A.3.
    let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let key = PublicKey::from_jwk(&ec().to_string(), "ES256").unwrap();
    assert!(key.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()));
}

#[test]
fn an_algorithm_that_is_not_of_the_key_is_denied() {
    for (key, algorithm) in [(rsa(), "ES256"), (ec(), "RS256"), (ec(), "ES384"), (edwards(), "ES256"), (ec(), "EdDSA")]
    {
        assert_eq!(denied(&key, algorithm), Some(Denied::Type), "{algorithm}");
    }
    for (key, algorithm) in [(rsa(), "HS256"), (ec(), "HS512")] {
        assert_eq!(denied(&key, algorithm), Some(Denied::Type), "a public key is no secret");
    }
    for algorithm in ["none", "None", "", "RS1", "ES512", "ES256K", "rs256"] {
        assert_eq!(denied(&rsa(), algorithm), Some(Denied::Algorithm), "{algorithm}");
    }
}

#[test]
fn a_key_that_is_for_something_else_is_denied() {
    for (member, value) in [
        ("alg", json!("RS384")),
        ("alg", json!("none")),
        ("use", json!("enc")),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!([])),
    ] {
        assert_eq!(denied(&with(rsa(), member, value.clone()), "RS256"), Some(Denied::Purpose), "{member} {value}");
    }
    for (member, value) in [("alg", json!("RS256")), ("use", json!("sig")), ("key_ops", json!(["sign", "verify"]))] {
        assert_eq!(denied(&with(rsa(), member, value), "RS256"), None, "{member}");
    }
    assert_eq!(denied(&with(edwards(), "alg", "EdDSA"), "Ed25519"), None, "two names of one algorithm");
}

#[test]
fn a_modulus_too_short_or_too_long_is_denied() {
    let modulus = |bytes: usize| {
        let mut modulus = vec![0xff_u8; bytes];
        modulus[0] = 0x80;
        with(rsa(), "n", URL_SAFE_NO_PAD.encode(modulus))
    };
    assert_eq!(denied(&modulus(255), "RS256"), Some(Denied::Strength));
    assert_eq!(denied(&modulus(256), "RS256"), None);
    assert_eq!(denied(&modulus(1024), "PS512"), None);
    assert_eq!(denied(&modulus(1025), "RS256"), Some(Denied::Strength));
    let even = [vec![0x80_u8; 255], vec![0]].concat();
    assert_eq!(denied(&with(rsa(), "n", URL_SAFE_NO_PAD.encode(even)), "RS256"), Some(Denied::Strength));
}

#[test]
fn an_exponent_that_nobody_uses_is_denied() {
    for exponent in [&[1_u8][..], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        let key = with(rsa(), "e", URL_SAFE_NO_PAD.encode(exponent));
        assert_eq!(denied(&key, "RS256"), Some(Denied::Strength), "{exponent:?}");
    }
    for none in ["", "AA"] {
        assert_eq!(denied(&with(rsa(), "e", none), "RS256"), Some(Denied::Malformed));
    }
    assert_eq!(denied(&with(rsa(), "e", "Aw"), "RS256"), None, "3 is strong enough to verify with");
}

#[test]
fn a_point_off_the_curve_is_denied() {
    let x = ec()["x"].as_str().unwrap().to_owned();
    assert_eq!(denied(&with(ec(), "y", x.clone()), "ES256"), Some(Denied::Point));
    let zero = URL_SAFE_NO_PAD.encode([0_u8; 32]);
    assert_eq!(denied(&with(with(ec(), "x", zero.clone()), "y", zero), "ES256"), Some(Denied::Point));
    assert_eq!(
        denied(&with(ec(), "x", &x[..40]), "ES256"),
        Some(Denied::Malformed),
        "a coordinate has its full length"
    );
}

#[test]
fn a_secret_is_as_long_as_its_hash() {
    let key = |bytes: usize| json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(vec![7_u8; bytes]) });
    for (algorithm, bytes) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        assert_eq!(denied(&key(bytes), algorithm), None, "{algorithm}");
        assert_eq!(denied(&key(bytes - 1), algorithm), Some(Denied::Strength), "{algorithm}");
    }
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        assert_eq!(denied(&key(64), algorithm), Some(Denied::Type), "{algorithm}");
    }
}

#[test]
fn what_is_no_key_is_denied() {
    for text in ["", "{}", "[]", "null", r#"{"kty":"RSA"}"#, r#"{"kty":"RSA","kty":"RSA","n":"AQAB","e":"AQAB"}"#] {
        assert_eq!(PublicKey::from_jwk(text, "RS256").err(), Some(Denied::Malformed), "{text}");
    }
    for n in ["a+b/", "AQAB=", " AQAB"] {
        assert_eq!(denied(&with(rsa(), "n", n), "RS256"), Some(Denied::Malformed), "{n}");
    }
    assert_eq!(denied(&with(rsa(), "x5c", "x".repeat(16 << 10)), "RS256"), Some(Denied::Size));
}

#[test]
fn private_members_of_others_are_not_looked_at() {
    let key = with(with(rsa(), "d", "!"), "p", 7);
    assert_eq!(denied(&key, "RS256"), None);
}

#[test]
fn the_first_usable_key_of_a_setting_is_taken() {
    let encrypting = with(rsa(), "use", "enc");
    let array = json!([encrypting, edwards(), ec()]);
    assert_eq!(private::first(&array).unwrap().signs.id(), Some("ours"));
    assert_eq!(private::first(&json!({ "keys": array })).unwrap().signs.algorithm(), "EdDSA");
    assert_eq!(private::first(&ec()).unwrap().signs.algorithm(), "ES256");
    assert_eq!(private::first(&rsa()).unwrap().signs.algorithm(), "RS256");
    let refused = |setting: &Json| private::first(setting).err().unwrap();
    assert_eq!(refused(&json!([])), Denied::Malformed);
    assert_eq!(refused(&with(ec(), "d", Json::Null)), Denied::Malformed, "a public key does not sign");
    assert_eq!(refused(&with(ec(), "d", rsa()["dp"].clone())), Denied::Point);
    assert_eq!(refused(&with(rsa(), "alg", "RSA-OAEP")), Denied::Algorithm);
    assert_eq!(refused(&json!({ "kty": "oct", "k": "AQAB" })), Denied::Type);
    assert_eq!(refused(&with(rsa(), "key_ops", json!(["verify"]))), Denied::Purpose);
}
