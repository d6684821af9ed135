//! Components from OCI registries: pushed, fetched by digest, signed like files, and everything that a registry can get wrong.

use anyhow::{Context as _, ensure};
use e2e::authority::Authority;
use e2e::calls::{USER, refused, sign_in};
use e2e::client::{Client, Request};
use e2e::forward_proxy::ForwardProxy;
use e2e::guests;
use e2e::oci::{ACCOUNT, Registry};
use e2e::oidc::free_port;
use e2e::operator::{Operator, digest, variant};
use e2e::server::{TestServer, refusal};
use e2e::upstream::{Manner, Upstream};
use minisign::KeyPair;
use serde_json::{Value, json};

use crate::component_cli::Desk;
use crate::hot_swap::first_party;

e2e::suite! {
    a_component_is_pushed_and_served_by_its_digest,
    a_component_has_to_be_signed_there_too,
    what_was_changed_there_is_not_taken,
    what_is_no_component_says_what_it_is,
    a_registry_that_is_away_slow_or_endless_is_told,
    a_locked_registry_opens_for_whoever_is_set,
    a_registry_behind_a_proxy_is_certified_by_a_private_authority,
    components_of_the_settings_are_fetched_once,
    components_of_the_settings_that_cannot_be_had_are_told,
}

/// A digest that nothing has.
const NOTHING: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A server and its operator, for a registry without encryption, which commands that are typed know, too.
async fn desk(registry: &Registry, more: &[(&str, &str)]) -> anyhow::Result<Desk> {
    let host = registry.host();
    let desk = Desk::new(&[&[("GATEWIT_OCI_PLAIN_HTTP", host.as_str())], more].concat()).await?;
    let line = |(name, value): &(&str, &str)| format!("{name}='{value}'\n");
    let more: String = more.iter().map(line).collect();
    std::fs::write(desk.path().join(".env"), format!("GATEWIT_OCI_PLAIN_HTTP={host}\n{more}"))?;
    Ok(desk)
}

impl Desk {
    /// Pushes a component, and answers its name by its digest.
    async fn push(&self, wasm: &[u8], to: &str) -> anyhow::Result<String> {
        let file = self.file("local.wasm")?;
        std::fs::write(&file, wasm)?;
        Ok(self.told(&["component", "push", &file, to]).await?.trim().to_owned())
    }

    /// What is shown of a component.
    async fn shown(&self, name: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.told(&["component", "show", name]).await?)?)
    }
}

async fn a_component_is_pushed_and_served_by_its_digest() -> anyhow::Result<()> {
    let registry = Registry::start().await?;
    let mut desk = desk(&registry, &[]).await?;
    let wasm = variant(&first_party("local")?, 1);
    let tag = registry.name("drivers/local:1.2");
    let pinned = desk.push(&wasm, &tag).await?;
    ensure!(pinned.starts_with(&registry.name("drivers/local@sha256:")), "{pinned}");
    // A tag is shown as the digest that it stands for; only looking changes nothing.
    let before = desk.shown("local").await?;
    let told = desk.told(&["component", "install", "--dry-run", &tag]).await?;
    ensure!(told.contains(&pinned) && told.contains(&digest(&wasm)), "{told}");
    ensure!(desk.shown("local").await?["current"]["digest"] == before["current"]["digest"], "it serves already");
    // Named by the last part of its repository.
    let told = desk.told(&["component", "swap", &pinned]).await?;
    ensure!(told.contains(&digest(&wasm)), "{told}");
    let shown = desk.shown("local").await?;
    ensure!(shown["current"]["reference"] == pinned.as_str() && shown["current"]["source"] == "uploaded", "{shown}");
    sign_in(&mut desk.server.client(), USER).await?;
    // The registry is not needed any more, and what came from it is known after another start.
    drop(registry);
    desk.server.kill()?;
    let server = TestServer::start_in(desk.server.data.clone(), &e2e::calls::quick(&[])).await?;
    let mut operator = Operator::new(&server).await?;
    let shown = operator.component("local").await?;
    ensure!(shown["current"]["reference"] == pinned.as_str(), "{shown}");
    let record = operator.caller().get("/gatewit/audit").await?;
    let object = format!("local from {pinned}");
    let kept = record.as_array().into_iter().flatten().any(|entry| entry["object"] == object.as_str());
    ensure!(kept, "{object}: {record}");
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn a_component_has_to_be_signed_there_too() -> anyhow::Result<()> {
    let registry = Registry::start().await?;
    let (pair, stranger) = (KeyPair::generate_unencrypted_keypair()?, KeyPair::generate_unencrypted_keypair()?);
    let trusted = pair.pk.to_base64();
    let env = [("GATEWIT_REQUIRE_SIGNED", "true"), ("GATEWIT_TRUSTED_KEYS", trusted.as_str())];
    let desk = desk(&registry, &env).await?;
    let wasm = variant(&first_party("local")?, 2);
    let sign = |pair: &KeyPair| {
        let signed = minisign::sign(Some(&pair.pk), &pair.sk, std::io::Cursor::new(&wasm), None, None);
        anyhow::Ok(std::fs::write(desk.file("local.wasm.minisig")?, signed?.into_string())?)
    };
    let unsigned = desk.push(&wasm, &registry.name("local:unsigned")).await?;
    desk.refused(&["component", "swap", &unsigned], "not signed").await?;
    sign(&stranger)?;
    let strange = desk.push(&wasm, &registry.name("local:strange")).await?;
    desk.refused(&["component", "swap", &strange], "not among GATEWIT_TRUSTED_KEYS").await?;
    sign(&pair)?;
    let signed = desk.push(&wasm, &registry.name("local:signed")).await?;
    // The signature goes along: one digest is good for both.
    ensure!(signed != unsigned && signed != strange, "{signed}");
    desk.told(&["component", "swap", &signed]).await?;
    let shown = desk.shown("local").await?;
    ensure!(shown["current"]["signed_by"].is_string(), "{shown}");
    // A signature of something else.
    let other = desk.push(&variant(&wasm, 3), &registry.name("local:other")).await?;
    desk.refused(&["component", "swap", &other], "is not what the key").await
}

async fn what_was_changed_there_is_not_taken() -> anyhow::Result<()> {
    let registry = Registry::start().await?;
    let desk = desk(&registry, &[]).await?;
    let wasm = variant(&first_party("local")?, 4);
    let before = desk.shown("local").await?["current"]["digest"].clone();
    let pinned = desk.push(&wasm, &registry.name("local:1")).await?;
    let (_, manifest) = pinned.split_once('@').context("a digest")?;
    // One bit of the component …
    let blob = registry.file(&format!("sha256:{}", digest(&wasm)))?;
    let mut damaged = wasm.clone();
    *damaged.last_mut().context("bytes")? ^= 1;
    std::fs::write(&blob, &damaged)?;
    desk.refused(&["component", "swap", &pinned], "does not have the digest").await?;
    std::fs::write(&blob, &wasm)?;
    // … another component of the same length under the same manifest, and another manifest under the same digest.
    let file = registry.file(manifest)?;
    let text = std::fs::read_to_string(&file)?;
    let other = text.replace(&digest(&wasm), &digest(&damaged));
    ensure!(other != text && other.len() == text.len(), "the manifest does not name the component: {text}");
    std::fs::write(&file, other)?;
    desk.refused(&["component", "swap", &pinned], "does not have the digest").await?;
    std::fs::write(&file, text)?;
    ensure!(desk.shown("local").await?["current"]["digest"] == before, "something was taken");
    desk.told(&["component", "swap", &pinned]).await?;
    Ok(())
}

/// Puts a manifest of any kind into a registry.
async fn put_manifest(registry: &Registry, name: &str, kind: &str, manifest: &Value) -> anyhow::Result<()> {
    let mut client = Client::new(([127, 0, 0, 1], registry.port).into());
    let request = Request::new("PUT", &format!("/v2/{name}")).file(kind, manifest.to_string().as_bytes());
    let answer = client.send(&request).await?;
    ensure!(answer.status == 201, "{} {}", answer.status, answer.text());
    Ok(())
}

async fn what_is_no_component_says_what_it_is() -> anyhow::Result<()> {
    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
    let registry = Registry::start().await?;
    let desk = desk(&registry, &[]).await?;
    let before = desk.shown("local").await?["current"]["digest"].clone();
    // Bytes that are none; and what names itself otherwise is refused as a file is.
    let text = desk.push(b"no component at all", &registry.name("local:text")).await?;
    desk.refused(&["component", "swap", &text], "local").await?;
    let named = desk.push(&std::fs::read(guests::first_party("ldap")?)?, &registry.name("local:ldap")).await?;
    desk.refused(&["component", "swap", &named], "it calls itself").await?;
    // Artifacts of another make. Their parts are those of one that is good.
    let wasm = variant(&first_party("local")?, 5);
    let good = desk.push(&wasm, &registry.name("local:good")).await?;
    let (_, manifest) = good.split_once('@').context("a digest")?;
    let good: Value = serde_json::from_slice(&std::fs::read(registry.file(manifest)?)?)?;
    let edit = |change: fn(&mut Value)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        manifest
    };
    let cases = [
        ("tar", edit(|manifest| manifest["layers"][0]["mediaType"] = "application/x-tar".into()), "application/x-tar"),
        ("empty", edit(|manifest| manifest["layers"] = json!([])), "but none"),
        ("large", edit(|manifest| manifest["layers"][0]["size"] = ((64 << 20) + 1).into()), "at most 67108864 bytes"),
    ];
    for (tag, manifest, word) in cases {
        put_manifest(&registry, &format!("local/manifests/{tag}"), IMAGE, &manifest).await?;
        let name = registry.name(&format!("local:{tag}"));
        desk.refused(&["component", "swap", &name], word).await.context(tag)?;
    }
    for (name, word) in [
        (registry.name("local:gone"), "registry has no"),
        (registry.name("gone:1"), "registry has no"),
        (registry.name(&format!("local@{NOTHING}")), "registry has no"),
        ("oci://local".to_owned(), "is no component in a registry"),
        ("oci://example.com/local".to_owned(), "is no component in a registry"),
        ("oci://example.com/local@sha256:abc".to_owned(), "is no component in a registry"),
    ] {
        desk.refused(&["component", "swap", &name], word).await.context(name)?;
    }
    ensure!(desk.shown("local").await?["current"]["digest"] == before, "something was taken");
    // Over HTTP, the same; and a body without a source is none.
    let mut operator = Operator::new(&desk.server).await?;
    for body in [json!({}), json!({ "source": 1 }), json!({ "source": "oci://" })] {
        refused(&operator.caller().send("PUT", "/gatewit/components/local", &body).await?, 400, "INVALID_PAYLOAD")?;
    }
    Ok(())
}

async fn a_registry_that_is_away_slow_or_endless_is_told() -> anyhow::Result<()> {
    let layer = |size: usize| json!({ "mediaType": "application/wasm", "digest": NOTHING, "size": size });
    let manifest = json!({ "schemaVersion": 2, "config": layer(2), "layers": [layer(100)] }).to_string();
    let bad = Upstream::start(move |path| match path {
        path if path.contains("/slow/") => Manner::Hang,
        path if path.contains("/manifests/") => Manner::Body(manifest.clone()),
        path if path.contains("/endless/") => Manner::Megabytes(70),
        _ => Manner::Body(String::new()),
    })
    .await?;
    let (away, bad) = (format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", bad.port));
    let plain = format!("{away},{bad}");
    let desk = Desk::new(&[("GATEWIT_OCI_PLAIN_HTTP", &plain), ("GATEWIT_OCI_TIMEOUT", "5s")]).await?;
    for (name, word) in [
        (format!("oci://{away}/local:1"), "cannot be reached"),
        (format!("oci://{bad}/slow/local:1"), "did not finish within 5 s"),
        // It said a hundred bytes.
        (format!("oci://{bad}/endless/local:1"), "at most 67108864 bytes"),
    ] {
        desk.refused(&["component", "swap", &name], word).await.context(name)?;
    }
    sign_in(&mut desk.server.client(), USER).await?;
    Ok(())
}

async fn a_locked_registry_opens_for_whoever_is_set() -> anyhow::Result<()> {
    let registry = Registry::locked().await?;
    let (host, (user, password)) = (registry.host(), ACCOUNT);
    let wasm = variant(&first_party("local")?, 6);
    let ours =
        [("GATEWIT_OCI_REGISTRY", host.as_str()), ("GATEWIT_OCI_USERNAME", user), ("GATEWIT_OCI_PASSWORD", password)];
    let known = desk(&registry, &ours).await?;
    let pinned = known.push(&wasm, &registry.name("local:1")).await?;
    known.told(&["component", "swap", &pinned]).await?;
    // Nobody, somebody with another password, and credentials of another registry.
    let elsewhere = [("GATEWIT_OCI_REGISTRY", "registry.example.com"), ours[1], ours[2]];
    for wrong in [&[][..], &[ours[0], ours[1], ("GATEWIT_OCI_PASSWORD", "wrong")], &elsewhere] {
        let desk = desk(&registry, wrong).await?;
        desk.refused(&["component", "swap", &pinned], "does not let us in").await?;
        let log = desk.server.log();
        ensure!(!log.contains(password), "the password is in the log: {log}");
    }
    // As `docker login` has left it.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("config.json");
    let login = json!({ "auths": { &host: { "username": user, "password": password } } });
    std::fs::write(&file, login.to_string())?;
    let docker = [("GATEWIT_OCI_DOCKER_CONFIG", file.to_str().context("path")?)];
    desk(&registry, &docker).await?.told(&["component", "swap", &pinned]).await?;
    Ok(())
}

async fn a_registry_behind_a_proxy_is_certified_by_a_private_authority() -> anyhow::Result<()> {
    let (authority, proxy) = (Authority::new()?, ForwardProxy::start(None).await?);
    let registry = Registry::encrypted(&authority).await?;
    let (certificate, through) = (authority.certificate("authority"), format!("http://127.0.0.1:{}", proxy.port));
    let trusted = [("NODE_EXTRA_CA_CERTS", certificate.to_str().context("path")?), ("HTTPS_PROXY", &through)];
    let desk = Desk::new(&trusted).await?;
    let line = |(name, value): &(&str, &str)| format!("{name}='{value}'\n");
    std::fs::write(desk.path().join(".env"), trusted.iter().map(line).collect::<String>())?;
    let wasm = variant(&first_party("local")?, 7);
    let pinned = desk.push(&wasm, &registry.name("local:1")).await?;
    desk.told(&["component", "swap", &pinned]).await?;
    proxy.logged(&format!("CONNECT {}", registry.host()), 2).await?;
    let stranger = Desk::new(&[]).await?;
    stranger.refused(&["component", "swap", &pinned], "cannot be reached").await
}

async fn components_of_the_settings_are_fetched_once() -> anyhow::Result<()> {
    let registry = Registry::start().await?;
    let host = registry.host();
    let maker = desk(&registry, &[]).await?;
    let (first, second) = (variant(&first_party("local")?, 8), variant(&first_party("local")?, 9));
    let (one, two) =
        (maker.push(&first, &registry.name("local:1")).await?, maker.push(&second, &registry.name("local:2")).await?);
    let set = |name: &str| json!({ "local": name }).to_string();
    let (set_one, set_two) = (set(&one), set(&two));
    let env =
        |sources| e2e::calls::quick(&[("GATEWIT_OCI_PLAIN_HTTP", host.as_str()), ("GATEWIT_OCI_COMPONENTS", sources)]);
    let mut server = TestServer::seeded(&env(&set_one)).await?;
    let serving = Operator::new(&server).await?.component("local").await?;
    ensure!(
        serving["current"]["digest"] == digest(&first).as_str() && serving["current"]["source"] == "file",
        "{serving}"
    );
    server.kill()?;
    // Another one is fetched, and the next start does without the registry.
    let mut server = TestServer::start_in(server.data.clone(), &env(&set_two)).await?;
    ensure!(Operator::new(&server).await?.serving("local").await? == digest(&second));
    server.kill()?;
    drop(registry);
    let server = TestServer::start_in(server.data.clone(), &env(&set_two)).await?;
    ensure!(Operator::new(&server).await?.serving("local").await? == digest(&second));
    sign_in(&mut server.client(), USER).await?;
    Ok(())
}

async fn components_of_the_settings_that_cannot_be_had_are_told() -> anyhow::Result<()> {
    let away = format!("127.0.0.1:{}", free_port()?);
    for (name, word) in [
        (format!("oci://{away}/local@{NOTHING}"), "cannot be reached"),
        (format!("oci://{away}/local:1"), "write the digest"),
        ("local.wasm".to_owned(), "is no component in a registry"),
    ] {
        let sources = json!({ "local": name }).to_string();
        let output = refusal(&[("GATEWIT_OCI_PLAIN_HTTP", &away), ("GATEWIT_OCI_COMPONENTS", &sources)]).await?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && told.contains("GATEWIT_OCI_COMPONENTS") && told.contains(word), "{told}");
    }
    Ok(())
}
