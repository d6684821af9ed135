//! Signed tokens against those who know how they are broken: Wycheproof's vectors, and the attacks that have a name.
//!
//! The vectors go the way of an ID token: read, a key chosen out of a published set, verified by the host. The attacks are
//! ID tokens of a provider that a server is asked to believe.

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use e2e::browser::Landing;
use e2e::provider::{CLIENT_SECRET, Edit, Script, Seal, SigningKey, Token};
use e2e::stage::{NAME, Stage};
use gatewit_host::keys::PublicKey;
use gatewit_jose::{Compact, keys::KeySet};
use serde_json::{Value, json};

e2e::suite! {
    wycheproof_json_web_signature,
    wycheproof_json_web_key,
    wycheproof_json_web_crypto,
    wycheproof_json_web_encryption_is_out_of_scope,
    none_is_no_algorithm_however_it_is_spelled,
    a_public_key_is_no_secret,
    keys_of_the_header_are_never_used,
    a_signature_of_zeros_is_none,
    encrypted_and_nested_tokens_are_none,
    a_token_for_something_else_is_no_id_token,
    extensions_of_the_header_are_refused,
    members_that_occur_twice_are_refused,
    times_that_are_no_numbers_are_refused,
    keys_that_are_too_weak_or_too_large_are_not_used,
    tokens_that_are_too_large_are_not_read,
}

/// Vectors that end otherwise than their file says: file, numbers, why.
const BY_CHOICE: [(&str, &[u64], &str); 6] = [
    ("json_web_signature", &[346, 350], "refused: the key is for PS256, the token bears PS384 (RFC 7517, section 4.4)"),
    (
        "json_web_signature",
        &[347, 351],
        "refused: the key is for `ES521`, which is no algorithm; nor is P-521 one of ours",
    ),
    ("json_web_signature", &[372, 373], "refused: a letter that is none of base64url (RFC 7515, section 2)"),
    (
        "json_web_signature",
        &[367, 370],
        "taken: the padding that they are named for is not in the file, they are a valid token",
    ),
    ("json_web_key", &[2], "refused: a set of secrets, and a client has one"),
    ("json_web_crypto", &[48], "refused: a set of secrets, and a client has one"),
];

/// What became of a file of vectors.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Valid ones that were taken.
    taken: usize,
    /// Those of `BY_CHOICE`.
    by_choice: usize,
    /// Invalid ones that were refused.
    refused: usize,
    /// Those for encryption.
    out_of_scope: usize,
}

fn vectors(name: &str) -> anyhow::Result<Value> {
    let file = e2e::fixture::folder().join("wycheproof").join(name).with_extension("json");
    serde_json::from_slice(&std::fs::read(&file).with_context(|| file.display().to_string())?).context("not JSON")
}

/// Whether a token is taken with the keys of a group, as an ID token is with the keys of a provider, or, where the only key
/// is a secret, with that of the client and the algorithm that is configured for it.
fn takes(group: &Value, token: &str) -> bool {
    let key = group.get("public").unwrap_or(&group["private"]);
    let keys = key["keys"].as_array().cloned().unwrap_or_else(|| vec![key.clone()]);
    let Ok(token) = Compact::read(token) else { return false };
    let chosen = match keys.as_slice() {
        [secret] if secret["kty"] == "oct" => {
            Some(secret.to_string()).filter(|_| secret["alg"] == token.algorithm.as_str())
        }
        keys => {
            let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes());
            set.and_then(|set| set.choose(&token).ok())
        }
    };
    let Some(chosen) = chosen else { return false };
    let key = PublicKey::from_jwk(&chosen, &token.algorithm);
    key.is_ok_and(|key| key.verify(token.signing_input.as_bytes(), &token.signature))
}

fn run(name: &str) -> anyhow::Result<Counts> {
    let vectors = vectors(name)?;
    let (mut counts, mut wrong) = (Counts::default(), Vec::new());
    for group in vectors["testGroups"].as_array().context("no groups")? {
        for test in group["tests"].as_array().context("no tests")? {
            if !test["jwe"].is_null() {
                counts.out_of_scope += 1;
                continue;
            }
            // JSON serialisation comes as an object, and nobody here reads that.
            let taken = test["jws"].as_str().is_some_and(|token| takes(group, token));
            let chosen = BY_CHOICE.iter().any(|(file, numbers, _)| {
                *file == name && test["tcId"].as_u64().is_some_and(|number| numbers.contains(&number))
            });
            match (test["result"] == "valid", taken) {
                (valid, taken) if chosen && valid != taken => counts.by_choice += 1,
                (true, true) if !chosen => counts.taken += 1,
                (false, false) if !chosen => counts.refused += 1,
                _ => wrong
                    .push(format!("{} {} of {}: {}", test["tcId"], test["comment"], group["comment"], test["result"])),
            }
        }
    }
    ensure!(wrong.is_empty(), "{name}: {wrong:#?}");
    let all = counts.taken + counts.by_choice + counts.refused + counts.out_of_scope;
    ensure!(vectors["numberOfTests"] == all, "{all} of {}", vectors["numberOfTests"]);
    let Counts { taken, by_choice, refused, out_of_scope } = &counts;
    println!(
        "        {name}: {taken} valid taken, {refused} invalid refused, {by_choice} otherwise by choice, {out_of_scope} \
         out of scope"
    );
    for (_, numbers, why) in BY_CHOICE.iter().filter(|(file, ..)| *file == name) {
        println!("        {name} {numbers:?} {why}");
    }
    Ok(counts)
}

fn counts_are(name: &str, expected: &Counts) -> anyhow::Result<()> {
    let counts = run(name)?;
    ensure!(counts == *expected, "{counts:?}");
    Ok(())
}

async fn wycheproof_json_web_signature() -> anyhow::Result<()> {
    counts_are("json_web_signature", &Counts { taken: 40, by_choice: 8, refused: 353, out_of_scope: 0 })
}

async fn wycheproof_json_web_key() -> anyhow::Result<()> {
    counts_are("json_web_key", &Counts { taken: 4, by_choice: 1, refused: 21, out_of_scope: 0 })
}

async fn wycheproof_json_web_crypto() -> anyhow::Result<()> {
    counts_are("json_web_crypto", &Counts { taken: 3, by_choice: 1, refused: 45, out_of_scope: 34 })
}

/// We read no encrypted tokens (RFC 7516). What can be shown is that none of them passes for a signed one.
async fn wycheproof_json_web_encryption_is_out_of_scope() -> anyhow::Result<()> {
    let vectors = vectors("json_web_encryption")?;
    let mut count = 0_usize;
    for group in vectors["testGroups"].as_array().context("no groups")? {
        for test in group["tests"].as_array().context("no tests")? {
            let taken = test["jwe"].as_str().is_some_and(|token| takes(group, token));
            ensure!(!taken, "{} passes for a signed token", test["tcId"]);
            count += 1;
        }
    }
    ensure!(vectors["numberOfTests"] == count);
    println!("        json_web_encryption: {count} out of scope: encrypted tokens are not read, and none of these is");
    Ok(())
}

/// One server, one attack after the other: each is refused, for its own reason.
async fn withstands(attacks: Vec<(&str, Edit<Token>, &str)>) -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    stage.signed_in().await?;
    let before = stage.accounts().await?;
    stage.provider.script(|script| script.person["given_name"] = json!("Mallory"));
    for (name, edit, why) in attacks {
        stage.provider.script(|script| script.id_token = edit);
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused("INVALID_CREDENTIALS"), "{name}: {landing:?}");
        stage.server.logged(why).await.context(name.to_owned())?;
    }
    ensure!(stage.accounts().await? == before, "an account changed");
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "what a script takes")]
fn edit(edit: impl FnMut(&mut Token) + Send + 'static) -> Edit<Token> {
    Some(Box::new(edit))
}

async fn none_is_no_algorithm_however_it_is_spelled() -> anyhow::Result<()> {
    let attack = |name: &'static str| {
        let edit = edit(move |token| {
            token.header["alg"] = json!(name);
            token.seal = Seal::None;
        });
        (name, edit, "`alg` of the ID token is `")
    };
    withstands(["none", "None", "NONE", "nOnE", "", "none "].map(attack).into()).await
}

async fn a_public_key_is_no_secret() -> anyhow::Result<()> {
    let key = SigningKey::load("rsa-one")?;
    let modulus = URL_SAFE_NO_PAD.decode(key.jwk()["n"].as_str().unwrap_or_default())?;
    let document = key.jwk().to_string().into_bytes();
    let secrets = [("the modulus", modulus), ("the key as it is published", document), ("nothing", Vec::new())];
    let by = |(name, secret): (&'static str, Vec<u8>)| {
        let edit = edit(move |token| {
            token.header["alg"] = json!("HS256");
            token.seal = Seal::Secret(secret.clone());
        });
        (name, edit, "`alg` of the ID token is `HS256`, expected one with a public key")
    };
    let mut attacks: Vec<_> = secrets.map(by).into();
    // Nor is the client's secret one, unless that is configured.
    attacks.push(by(("the client's secret", CLIENT_SECRET.into())));
    withstands(attacks).await
}

async fn keys_of_the_header_are_never_used() -> anyhow::Result<()> {
    let own = SigningKey::load("rsa-two")?;
    let jwk = own.jwk();
    let injected = |name: &'static str, value: Value| {
        let own = own.clone();
        let edit = edit(move |token| {
            token.header[name] = value.clone();
            token.key = own.clone();
        });
        (name, edit, "the signature of the ID token is wrong")
    };
    let unknown = {
        let (own, jwk) = (own.clone(), jwk.clone());
        edit(move |token| {
            token.header["jwk"] = jwk.clone();
            token.header["kid"] = json!("rsa-two");
            token.key = own.clone();
        })
    };
    withstands(vec![
        injected("jwk", jwk.clone()),
        injected("jku", json!("http://127.0.0.1:1/jwks")),
        injected("x5u", json!("http://127.0.0.1:1/certificate")),
        injected("x5c", json!(["MIIB"])),
        ("jwk and kid", unknown, "the provider has no key `rsa-two`"),
        (
            "a path in kid",
            edit(|token| token.header["kid"] = json!("../../dev/null")),
            "the provider has no key `../../dev/null`",
        ),
        (
            "a statement in kid",
            edit(|token| token.header["kid"] = json!("' or 1=1 --")),
            "the provider has no key `' or 1=1 --`",
        ),
    ])
    .await
}

/// CVE-2022-21449: r = s = 0 fits every message where nobody looks.
async fn a_signature_of_zeros_is_none() -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let key = SigningKey::load("p256-one")?;
    stage.provider.script(|script| {
        script.algorithm = "ES256";
        script.published = vec![key.clone()];
        script.signs = key;
    });
    stage.signed_in().await?;
    // The order of the curve, which is zero for who calculates with it.
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> =
        (0..32).map(|place| u8::from_str_radix(&order[place * 2..place * 2 + 2], 16).unwrap()).collect();
    for bytes in [vec![0; 64], [order.clone(), order].concat(), vec![], vec![0x30, 0x06, 0x02, 0x01, 0, 0x02, 0x01, 0]]
    {
        stage.provider.script(|script| script.id_token = edit(move |token| token.seal = Seal::Bytes(bytes.clone())));
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused("INVALID_CREDENTIALS"), "{landing:?}");
    }
    stage.server.logged("the signature of the ID token is wrong").await?;
    Ok(())
}

async fn answers_with(token: String, why: &str) -> anyhow::Result<()> {
    let stage = Stage::openid(&[]).await?;
    let misbehave = move |script: &mut Script| {
        script.tokens = Some(Box::new(move |answer| answer["id_token"] = json!(token)));
    };
    stage.refuses(misbehave, Landing::refused("INVALID_CREDENTIALS"), why).await
}

async fn encrypted_and_nested_tokens_are_none() -> anyhow::Result<()> {
    // An encrypted token that asks for a billion rounds, and one whose content would grow.
    let part = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
    for header in [
        json!({"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 1_000_000_000, "p2s": "AAAA"}),
        json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}),
    ] {
        answers_with(format!("{}.AA.AA.AA.AA", part(header)), "the ID token cannot be read: it has not three parts")
            .await?;
    }
    let key = SigningKey::load("rsa-one")?;
    let inner = Token::new(json!({"alg": "RS256"}), json!({"sub": "ann"}), key.clone()).compact();
    let nested = edit(move |token| {
        token.header["cty"] = json!("JWT");
        token.claims_text = Some(inner.clone());
    });
    withstands(vec![("nested", nested, "the ID token holds no JSON object")]).await
}

async fn a_token_for_something_else_is_no_id_token() -> anyhow::Result<()> {
    let attack =
        |kind: &'static str| (kind, edit(move |token| token.header["typ"] = json!(kind)), "`typ` of the ID token is `");
    withstands(["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt"].map(attack).into()).await
}

async fn extensions_of_the_header_are_refused() -> anyhow::Result<()> {
    let why = "the ID token cannot be read: its header asks for an extension";
    let with = |members: Value| {
        edit(move |token| {
            let members = members.as_object().cloned().unwrap_or_default();
            token.header.as_object_mut().unwrap().extend(members);
        })
    };
    withstands(vec![
        ("crit", with(json!({"crit": ["exp"]})), why),
        ("an empty crit", with(json!({"crit": []})), why),
        ("b64", with(json!({"b64": false, "crit": ["b64"]})), why),
        ("b64 alone", with(json!({"b64": false})), why),
    ])
    .await
}

async fn members_that_occur_twice_are_refused() -> anyhow::Result<()> {
    let header = edit(|token| {
        token.header_text = Some(r#"{"alg":"none","alg":"RS256","kid":"rsa-one"}"#.to_owned());
    });
    let claims = edit(|token| {
        let text = token.claims.to_string();
        token.claims_text = Some(format!(r#"{{"sub":"admin",{}"#, &text[1..]));
    });
    let deep = edit(|token| {
        let text = token.claims.to_string();
        token.claims_text = Some(format!(r#"{{"x":{{"y":1,"y":2}},{}"#, &text[1..]));
    });
    withstands(vec![
        ("header", header, "its header is no JSON object of members that occur once"),
        ("claims", claims, "the ID token holds no JSON object of members that occur once"),
        ("deep inside", deep, "the ID token holds no JSON object of members that occur once"),
    ])
    .await
}

async fn times_that_are_no_numbers_are_refused() -> anyhow::Result<()> {
    let claim = |name: &'static str, value: Value| edit(move |token| token.claims[name] = value.clone());
    withstands(vec![
        ("exp as a text", claim("exp", json!("9999999999")), "`exp` of the ID token is missing"),
        ("exp as nothing", claim("exp", Value::Null), "`exp` of the ID token is missing"),
        ("exp as a list", claim("exp", json!([9_999_999_999_u64])), "`exp` of the ID token is missing"),
        ("exp in the past, with a fraction", claim("exp", json!(1.5)), "the ID token ended at 1"),
        ("exp before all times", claim("exp", json!(-1e300)), "the ID token ended at -9223372036854775808"),
        ("iat as a text", claim("iat", json!("0")), "`iat` of the ID token is missing"),
        ("iat in the future", claim("iat", json!(9_999_999_999_u64)), "`iat` of the ID token is 9999999999"),
        ("nbf in the future", claim("nbf", json!(9_999_999_999_u64)), "`nbf` of the ID token is 9999999999"),
        ("nbf as a text", claim("nbf", json!("now")), "`nbf` of the ID token is no time"),
    ])
    .await
}

async fn keys_that_are_too_weak_or_too_large_are_not_used() -> anyhow::Result<()> {
    let ones = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
    for (name, members) in [
        ("a modulus of 1024 bits", json!({"n": ones(128)})),
        ("a modulus of 16384 bits", json!({"n": ones(2048)})),
        ("an exponent of 2048 bits", json!({"e": ones(256)})),
        ("the exponent one", json!({"e": "AQ"})),
        ("an even exponent", json!({"e": "Ag"})),
    ] {
        let stage = Stage::openid(&[]).await?;
        let edit = move |set: &mut Value| {
            let members = members.as_object().cloned().unwrap_or_default();
            set["keys"][0].as_object_mut().unwrap().extend(members);
        };
        stage.provider.script(|script| script.keys = Some(Box::new(edit)));
        let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
        ensure!(landing == Landing::refused("INVALID_CREDENTIALS"), "{name}: {landing:?}");
    }
    Ok(())
}

async fn tokens_that_are_too_large_are_not_read() -> anyhow::Result<()> {
    let attack = edit(|token| token.claims["padding"] = json!("x".repeat(250 * 1024)));
    let stage = Stage::openid(&[]).await?;
    stage.provider.script(|script| script.id_token = attack);
    let landing = stage.browser().sign_in(&stage.provider, NAME).await?;
    // It does not even fit into an answer's token.
    ensure!(landing == Landing::refused("SERVICE_UNAVAILABLE"), "{landing:?}");
    stage.server.logged("the token endpoint gave an unusable `id_token`").await?;
    Ok(())
}
