//! What is not taken: each for the right reason, and what served before goes on.

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use e2e::calls::{self, Caller, EDITOR, USER, quick, sign_in};
use e2e::client::Request;
use e2e::guests::{self, Folder};
use e2e::operator::{Operator, digest, variant};
use e2e::server::{SECRET, TestServer};
use e2e::tokens::{Algorithm, forge};
use minisign::KeyPair;
use serde_json::{Value, json};

use crate::guests::{CONFUSED, MISNAMED, MOODY, TRESPASSER};
use crate::hot_swap::first_party;

e2e::suite! {
    what_is_no_component_is_refused_and_the_old_one_stays,
    more_grants_have_to_be_accepted,
    what_finds_fault_with_a_provider_is_refused_unless_the_one_before_does,
    a_component_has_to_be_signed_by_a_trusted_key,
    a_bad_file_changes_nothing_and_is_told,
    only_administrators_operate,
    two_swaps_at_once_come_one_after_the_other,
    a_kill_in_the_middle_leaves_the_old_or_the_new,
}

async fn what_is_no_component_is_refused_and_the_old_one_stays() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let local = first_party("local")?;
    let before = (operator.serving("local").await?, operator.serving("auth").await?);
    let read = |name: &str| anyhow::Ok(std::fs::read(guests::file(name)?)?);
    let cut = local.get(..local.len() / 2).context("a short component")?.to_vec();
    let mut corrupt = local.clone();
    if let Some(byte) = corrupt.get_mut(8) {
        *byte ^= 0xff;
    }
    let module = b"\0asm\x01\0\0\0".to_vec();
    let cases: [(&str, Vec<u8>, &str); 10] = [
        ("local", too_new(&local)?, "a version of the contract that this server does not know"),
        ("local", Vec::new(), "local"),
        ("local", cut, "local"),
        ("local", corrupt, "local"),
        ("local", module, "local"),
        ("local", read(TRESPASSER)?, "local"),
        ("confused", read(CONFUSED)?, "confused"),
        ("misnamed", read(MISNAMED)?, "it calls itself"),
        ("auth", local.clone(), "auth"),
        ("..%2Fauth", local.clone(), "is not the name of a component"),
    ];
    for (name, wasm, word) in cases {
        let answer = operator.upload(name, &wasm, "").await?;
        calls::refused(&answer, 400, "INVALID_PAYLOAD").with_context(|| name.to_owned())?;
        ensure!(answer.text().contains(word), "{name}: {}", answer.text());
    }
    let large = vec![0; (64 << 20) + 1];
    let answer = operator.upload("local", &large, "").await;
    // The server may hang up on somebody who sends too much.
    ensure!(answer.map_or(true, |answer| answer.status == 400), "too large a component is taken");
    let mut operator = Operator::new(&server).await?;
    for (how, word) in [("?mode=slowly", "mode"), ("?mode=canary&share=2", "share"), ("?mode=canary&share=x", "share")]
    {
        let answer = operator.upload("local", &variant(&local, 1), how).await?;
        calls::refused(&answer, 400, "INVALID_PAYLOAD")?;
        ensure!(answer.text().contains(word), "{}", answer.text());
    }
    let after = (operator.serving("local").await?, operator.serving("auth").await?);
    ensure!(before == after, "something was taken");
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

/// The same component as if it had been built for a contract of years to come.
fn too_new(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (ours, theirs) = (b"@0.1.", b"@9.1.");
    let mut later = wasm.to_vec();
    let places: Vec<_> =
        later.windows(ours.len()).enumerate().filter(|(_, bytes)| *bytes == ours).map(|(place, _)| place).collect();
    ensure!(!places.is_empty(), "it names no version");
    for place in places {
        later.get_mut(place..place + theirs.len()).context("bytes")?.copy_from_slice(theirs);
    }
    Ok(later)
}

async fn more_grants_have_to_be_accepted() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    // It calls itself `local`, asks for nothing and lets nobody in.
    let humble = std::fs::read(guests::file(MISNAMED)?)?;
    let fewer = operator.swap("local", &humble).await?;
    ensure!(fewer["grants"] == json!({ "added": [], "removed": ["passwords"] }), "{fewer}");
    let more = variant(&first_party("local")?, 1);
    let answer = operator.upload("local", &more, "").await?;
    calls::refused(&answer, 400, "INVALID_PAYLOAD")?;
    ensure!(answer.text().contains("asks for more than the one before: passwords"), "{}", answer.text());
    let looked = operator.upload("local", &more, "?dry_run=true").await?;
    ensure!(looked.json()?["data"]["grants"]["added"] == json!(["passwords"]), "{}", looked.text());
    let accepted = operator.upload("local", &more, "?accept_grants=true").await?;
    ensure!(accepted.status == 200, "{}", accepted.text());
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn what_finds_fault_with_a_provider_is_refused_unless_the_one_before_does() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let well = std::fs::read(guests::file(MOODY)?)?;
    let ill = in_a_bad_mood(&well)?;
    operator.swap("moody", &well).await?;
    let provider = json!({ "name": "it", "driver": "moody" });
    operator.caller().data("POST", "/gatewit/providers", &provider).await?;
    let generation = operator.serving("moody").await?;
    let refused = operator.upload("moody", &ill, "").await?;
    calls::refused(&refused, 400, "INVALID_PAYLOAD")?;
    let told = refused.text();
    ensure!(told.contains("it") && told.contains("in a grim mood"), "{told}");
    ensure!(operator.serving("moody").await? == generation, "it serves all the same");
    let looked = operator.upload("moody", &ill, "?dry_run=true").await?;
    calls::refused(&looked, 400, "INVALID_PAYLOAD")?;

    // While there is nobody to try it with it is taken; and then it is no reason against another one that it fares no better.
    let removed = operator.caller().send("DELETE", "/gatewit/providers/it", &Value::Null).await?;
    ensure!(removed.status < 300, "{} {}", removed.status, removed.text());
    operator.swap("moody", &ill).await?;
    operator.caller().data("POST", "/gatewit/providers", &provider).await?;
    operator.swap("moody", &variant(&ill, 1)).await?;
    Ok(())
}

/// The same component, which finds fault with every provider.
fn in_a_bad_mood(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (good, grim) = (b"in a good mood", b"in a grim mood");
    let place = wasm.windows(good.len()).position(|bytes| bytes == good).context("it has no mood")?;
    let mut ill = wasm.to_vec();
    ill.get_mut(place..place + grim.len()).context("bytes")?.copy_from_slice(grim);
    Ok(ill)
}

async fn a_component_has_to_be_signed_by_a_trusted_key() -> anyhow::Result<()> {
    let (ours, theirs) = (KeyPair::generate_unencrypted_keypair()?, KeyPair::generate_unencrypted_keypair()?);
    let key = ours.pk.to_base64();
    let env = [("GATEWIT_REQUIRE_SIGNED", "true"), ("GATEWIT_TRUSTED_KEYS", key.as_str())];
    let server = TestServer::seeded(&quick(&env)).await?;
    let mut operator = Operator::new(&server).await?;
    let wasm = variant(&first_party("local")?, 1);
    let sign = |pair: &KeyPair, wasm: &[u8]| -> anyhow::Result<String> {
        let signature = minisign::sign(Some(&pair.pk), &pair.sk, std::io::Cursor::new(wasm), None, None)?;
        Ok(STANDARD.encode(signature.into_string()))
    };
    let refused = [
        (None, "it is not signed"),
        (Some(sign(&theirs, &wasm)?), "not among GATEWIT_TRUSTED_KEYS"),
        (Some(sign(&ours, b"something else")?), "is not what the key"),
        (Some(STANDARD.encode("nonsense")), "none of minisign"),
        (Some("not base64!".to_owned()), "in base64"),
    ];
    for (signature, word) in refused {
        let answer = operator.upload_signed("local", &wasm, "", signature.as_deref()).await?;
        calls::refused(&answer, 400, "INVALID_PAYLOAD")?;
        ensure!(answer.text().contains(word), "{word}: {}", answer.text());
    }
    let taken = operator.upload_signed("local", &wasm, "", Some(&sign(&ours, &wasm)?)).await?;
    ensure!(taken.status == 200, "{}", taken.text());
    ensure!(taken.json()?["data"]["signed_by"].as_str().is_some_and(|key| key.len() == 16), "{}", taken.text());
    Ok(())
}

async fn a_bad_file_changes_nothing_and_is_told() -> anyhow::Result<()> {
    let folder = Folder::empty()?.with_bytes("local", &variant(&first_party("local")?, 1))?;
    let server = TestServer::seeded(&quick(&[("GATEWIT_COMPONENTS", folder.path()?)])).await?;
    let mut operator = Operator::new(&server).await?;
    let before = operator.serving("local").await?;
    let folder = folder.with_bytes("local", b"no component")?;
    let component = operator.until("local", |component| component["refused"] != Value::Null).await?;
    ensure!(component["current"]["digest"] == before.as_str(), "{component}");
    server.logged("what was served before goes on").await?;
    sign_in(&mut server.client(), USER).await?;
    let _folder = folder.with_bytes("local", &variant(&first_party("local")?, 2))?;
    operator.until("local", |component| component["refused"] == Value::Null).await?;
    Ok(())
}

async fn only_administrators_operate() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let calls = [
        ("GET", "/gatewit/components"),
        ("GET", "/gatewit/components/local"),
        ("PUT", "/gatewit/components/local"),
        ("DELETE", "/gatewit/components/local"),
        ("POST", "/gatewit/components/local/rollback"),
        ("POST", "/gatewit/components/local/promote"),
        ("POST", "/gatewit/components/local/end-trial"),
        ("GET", "/gatewit/drivers"),
        ("GET", "/gatewit/providers"),
        ("POST", "/gatewit/providers"),
        ("GET", "/gatewit/providers/acme"),
        ("PATCH", "/gatewit/providers/acme"),
        ("DELETE", "/gatewit/providers/acme"),
        ("POST", "/gatewit/providers/acme/test"),
    ];
    let mut editor = Caller::new(&server, EDITOR).await?;
    let claims = json!({ "id": "00000000-0000-4000-8000-000000000001", "iat": 1, "exp": 2, "iss": "directus" });
    let expired = forge(Algorithm::HS256, Algorithm::HS256, SECRET, &claims);
    for (method, path) in calls {
        calls::refused(&editor.send(method, path, &Value::Null).await?, 403, "FORBIDDEN")?;
        let mut client = server.client();
        calls::refused(&client.send(&Request::new(method, path)).await?, 403, "FORBIDDEN")?;
        for (token, code) in [("nonsense", "INVALID_CREDENTIALS"), (expired.as_str(), "TOKEN_EXPIRED")] {
            let request = Request::new(method, path).header("Authorization", &format!("Bearer {token}"));
            calls::refused(&client.send(&request).await?, 401, code)?;
        }
    }
    Ok(())
}

async fn two_swaps_at_once_come_one_after_the_other() -> anyhow::Result<()> {
    let server = TestServer::seeded(&quick(&[])).await?;
    let local = first_party("local")?;
    let (mut one, mut other) = (Operator::new(&server).await?, Operator::new(&server).await?);
    let (first, second) = (variant(&local, 1), variant(&local, 2));
    let (first, second) = tokio::join!(one.swap("local", &first), other.swap("local", &second));
    let (first, second) = (first?["digest"].clone(), second?["digest"].clone());
    let component = one.component("local").await?;
    let found = (component["previous"]["digest"].clone(), component["current"]["digest"].clone());
    ensure!(found == (first.clone(), second.clone()) || found == (second, first), "{component}");
    Ok(())
}

async fn a_kill_in_the_middle_leaves_the_old_or_the_new() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[])).await?;
    let local = first_party("local")?;
    for round in 0..4_u8 {
        let mut operator = Operator::new(&server).await?;
        let old = operator.swap("local", &variant(&local, 10 * round)).await?["digest"].clone();
        let wasm = variant(&local, 10 * round + 1);
        let sending =
            tokio::spawn(async move { operator.upload("local", &wasm, "").await.map(|answer| answer.status) });
        tokio::time::sleep(std::time::Duration::from_millis(4 * u64::from(round))).await;
        server.kill()?;
        let answered = sending.await?;
        server = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
        let found = Operator::new(&server).await?.component("local").await?["current"]["digest"].clone();
        let expected = digest(&variant(&local, 10 * round + 1));
        ensure!(found == old || found == expected, "{found}");
        ensure!(!matches!(answered, Ok(200)) || found == expected, "what was acknowledged is lost");
        sign_in(&mut server.client(), USER).await?;
    }
    Ok(())
}
