//! Starts that cannot be, each refused with one clear line; and starts that can, although something is amiss.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context as _, ensure};
use e2e::calls::{USER, login, me, quick, sign_in};
use e2e::guests::{self, Folder};
use e2e::server::{self, TestServer};

use crate::guests::{CONFUSED, CONFUSED_RULES, MISNAMED, MOODY, ROGUE, TRESPASSER};

e2e::suite! {
    a_component_that_may_not_be_served_is_refused,
    a_file_that_is_no_component_is_refused,
    a_busy_port_is_named,
    a_data_folder_that_cannot_be_is_named,
    a_setting_that_is_wrong_is_named,
    damaged_code_in_the_cache_is_compiled_again,
    code_of_somebody_else_in_the_cache_is_not_run,
    a_secret_is_made_up_once_and_kept,
}

/// Larger than any component that is read, in bytes.
const TOO_LARGE: u64 = (64 << 20) + 1;

/// Starts a server that must end with the code 1 and one line that holds all of `words`.
async fn refused(env: &[(&str, &str)], words: &[&str]) -> anyhow::Result<()> {
    let output = server::refusal(env).await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "{}: {errors}", output.status);
    let lines: Vec<&str> = errors.lines().collect();
    ensure!(lines.len() == 1 && lines[0].starts_with("gatewit: "), "not one line: {errors}");
    ensure!(lines[0].len() < 500, "{} letters: {errors}", lines[0].len());
    for word in words {
        ensure!(errors.contains(word), "no {word:?} in: {errors}");
    }
    Ok(())
}

async fn a_component_that_may_not_be_served_is_refused() -> anyhow::Result<()> {
    for (component, guest, words) in [
        ("trespasser", TRESPASSER, ["`trespasser`", "gatewit:storage/users"]),
        ("misnamed", MISNAMED, ["`misnamed`", "calls itself `local`"]),
        ("confused", CONFUSED, ["`confused`", "type mismatch"]),
        ("auth", CONFUSED_RULES, ["`auth`", "type mismatch"]),
        // A driver has not what the rules have to offer.
        ("auth", MOODY, ["`auth`", "gatewit:auth/"]),
    ] {
        let folder = Folder::empty()?.with(component, guest)?;
        refused(&[("GATEWIT_COMPONENTS", folder.path()?)], &words).await?;
    }
    Ok(())
}

async fn a_file_that_is_no_component_is_refused() -> anyhow::Result<()> {
    let whole = std::fs::read(guests::file(ROGUE)?)?;
    let noise: Vec<u8> = (0..4096_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let module = b"\0asm\x01\0\0\0";
    for bytes in [&[][..], &noise, module, &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        let folder = Folder::empty()?.with_bytes("broken", bytes)?;
        refused(&[("GATEWIT_COMPONENTS", folder.path()?)], &["`broken`"]).await?;
    }
    let folder = Folder::empty()?.with_bytes("large", b"\0asm")?;
    std::fs::OpenOptions::new().write(true).open(Path::new(folder.path()?).join("large.wasm"))?.set_len(TOO_LARGE)?;
    refused(&[("GATEWIT_COMPONENTS", folder.path()?)], &["large.wasm", "larger than 67108864 bytes"]).await
}

async fn a_busy_port_is_named() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    refused(&[("PORT", &port)], &[&format!("cannot listen on 127.0.0.1:{port}"), "PORT", "in use"]).await
}

async fn a_data_folder_that_cannot_be_is_named() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "")?;
    let (file, below) = (file.to_str().context("path")?, file.join("data"));
    refused(&[("GATEWIT_DATA", file)], &["data folder", file]).await?;
    let below = below.to_str().context("path")?;
    refused(&[("GATEWIT_DATA", below)], &["data folder", below]).await?;
    let database = folder.path().join("database");
    std::fs::write(&database, "this is no database, and not a short text either".repeat(100))?;
    let database = database.to_str().context("path")?;
    refused(&[("DB_FILENAME", database)], &["database", database]).await?;
    refused(&[("DB_FILENAME", &format!("{file}/x.db"))], &[file]).await
}

/// Wrong settings are listed, one line each.
async fn a_setting_that_is_wrong_is_named() -> anyhow::Result<()> {
    let wrong =
        [("PORT", "eight"), ("GATEWIT_NO_SUCH_THING", "1"), ("HASH_MEMORY_COST", "-1"), ("GATEWIT_CALL_MEMORY", "1")];
    let output = server::refusal(&wrong).await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "{}", output.status);
    for (name, _) in wrong {
        let lines = errors.lines().filter(|line| line.contains(name)).count();
        ensure!(lines == 1, "{lines} lines name {name}: {errors}");
    }
    ensure!(errors.lines().count() == wrong.len() + 1, "{errors}");
    let output = server::refusal(&[("SECRET", "an-unfit-SECRET"), ("PORT", "eight")]).await?;
    ensure!(!String::from_utf8_lossy(&output.stderr).contains("an-unfit-SECRET"), "the SECRET is shown");
    Ok(())
}

/// The files of compiled code below a data folder.
fn compiled(data: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let entries = data.join("code-cache").read_dir()?;
    let files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    ensure!(
        files.len() == 2 && files.iter().all(|file| file.extension().is_some_and(|end| end == "cwasm")),
        "{files:?}"
    );
    Ok(files)
}

/// A cache of the server's own, in its data folder.
const OWN_CACHE: (&str, &str) = ("GATEWIT_CODE_CACHE", "code-cache");

async fn damaged_code_in_the_cache_is_compiled_again() -> anyhow::Result<()> {
    let own = quick(&[OWN_CACHE]);
    let mut server = TestServer::seeded(&own).await?;
    server.kill()?;
    for (index, file) in compiled(server.data.path())?.iter().enumerate() {
        let mut bytes = std::fs::read(file)?;
        if index == 0 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        } else {
            bytes.truncate(10);
        }
        std::fs::write(file, bytes)?;
    }
    let mut again = TestServer::start_in(server.data.clone(), &own).await?;
    sign_in(&mut again.client(), USER).await?;
    let damaged = |log: &str| log.lines().filter(|line| line.contains("WARN") && line.contains("damaged")).count();
    ensure!(damaged(&again.log()) == 2, "{}", again.log());
    again.kill()?;
    let third = TestServer::start_in(server.data.clone(), &own).await?;
    ensure!(damaged(&third.log()) == 0 && !third.log().contains("compiling"), "{}", third.log());
    Ok(())
}

/// The seal is made with a key that only a holder of the secret has.
async fn code_of_somebody_else_in_the_cache_is_not_run() -> anyhow::Result<()> {
    let secret = ("SECRET", "another secret of the tests, longer than thirty-two bytes");
    let mut server = TestServer::seeded(&quick(&[secret])).await?;
    server.kill()?;
    let again = TestServer::start_in(server.data.clone(), &quick(&[OWN_CACHE])).await?;
    ensure!(again.log().matches("damaged").count() == compiled(again.data.path())?.len(), "{}", again.log());
    sign_in(&mut again.client(), USER).await?;
    Ok(())
}

async fn a_secret_is_made_up_once_and_kept() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let env = quick(&[("SECRET", "")]);
    let mut server = TestServer::seeded(&env).await?;
    let tokens = sign_in(&mut server.client(), USER).await?;
    server.kill()?;
    let file = server.data.path().join("secret");
    let (made, permissions) = (std::fs::read_to_string(&file)?, std::fs::metadata(&file)?.permissions().mode());
    ensure!(made.len() >= 32 && permissions.trailing_zeros() >= 6, "{} letters, mode {permissions:o}", made.len());
    let again = TestServer::start_in(server.data.clone(), &env).await?;
    ensure!(std::fs::read_to_string(&file)? == made, "the secret changed");
    let answer = again.client().send(&me(&tokens.access)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    for server in [&server, &again] {
        ensure!(!server.log().contains(&made), "the secret is in the log");
    }
    ensure!(again.client().send(&login(USER, "json")).await?.status == 200);
    Ok(())
}
