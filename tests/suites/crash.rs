//! The end of a server, sudden and announced: what a client was told holds after a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use e2e::calls::{self, ADMIN, EDITOR, Tokens, USER, in_session, login, me, quick, refresh, session_token, sign_in};
use e2e::client::{Client, Request, Response};
use e2e::server::{self, TestServer};
use tokio::task::JoinHandle;

e2e::suite! {
    what_clients_were_told_before_a_crash_holds_after_it,
    an_answer_that_a_crash_swallowed_can_be_asked_for_again,
    a_sign_in_under_way_is_answered_before_the_server_ends,
}

/// Answers that clients got before the crash: enough for every kind of request to be under way when it comes.
const ANSWERS: usize = 600;
/// Time to get them.
const LOAD: Duration = Duration::from_mins(1);
/// A grace period that is over soon after the restart.
const SHORT: Duration = Duration::from_secs(1);

/// How a client holds its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Json,
    Session,
}

impl Mode {
    fn begin(self, account: (&str, &str)) -> Request {
        login(account, if self == Self::Json { "json" } else { "session" })
    }

    fn next(self, token: &str) -> Request {
        if self == Self::Json { refresh(token) } else { in_session("refresh", token) }
    }

    fn end(self, token: &str) -> Request {
        if self == Self::Json { calls::logout(token) } else { in_session("logout", token) }
    }

    /// What shows whether a token is good.
    fn prove(self, token: &str) -> Request {
        if self == Self::Json { refresh(token) } else { me(token) }
    }

    fn token(self, answer: &Response) -> anyhow::Result<String> {
        if self == Self::Json { Ok(Tokens::of(answer)?.refresh) } else { session_token(answer) }
    }
}

/// What one client was told until the connection broke.
#[derive(Debug, Default)]
struct Told {
    /// Newest tokens of sessions that go on.
    good: Vec<String>,
    /// Tokens that were exchanged.
    superseded: Vec<String>,
    /// Tokens whose session was ended.
    ended: Vec<String>,
    /// A token whose exchange was not answered.
    asked: Option<String>,
}

/// Signs in, refreshes and signs out until the server is gone. Fails on any answer that is not a success.
async fn live(
    mut client: Client,
    mode: Mode,
    account: (&str, &str),
    answers: Arc<AtomicUsize>,
) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let counted = |answer: anyhow::Result<Response>| {
        answers.fetch_add(1, Ordering::Relaxed);
        answer.ok()
    };
    for round in 0..ANSWERS {
        let Some(answer) = counted(client.send(&mode.begin(account)).await) else { return Ok(told) };
        let mut token = mode.token(&answer)?;
        for _ in 0..round % 4 {
            let Some(answer) = counted(client.send(&mode.next(&token)).await) else {
                told.asked = Some(token);
                return Ok(told);
            };
            let next = mode.token(&answer)?;
            told.superseded.push(std::mem::replace(&mut token, next));
        }
        if round % 2 == 0 {
            told.good.push(token);
            continue;
        }
        // A sign-out that was not answered may have happened or not.
        let Some(answer) = counted(client.send(&mode.end(&token)).await) else { return Ok(told) };
        ensure!(answer.status == 204, "{} {}", answer.status, answer.text());
        told.ended.push(token);
    }
    bail!("the server was not killed")
}

/// Lets clients in both modes work on a server, kills it, and returns what each was told, and the dead server.
async fn crash(env: &[(&str, &str)]) -> anyhow::Result<(TestServer, Vec<(Mode, Told)>)> {
    let mut server = TestServer::seeded(env).await?;
    let (answers, mut clients) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for mode in [Mode::Json, Mode::Session] {
        for account in [ADMIN, USER, EDITOR] {
            clients.push((mode, tokio::spawn(live(server.client(), mode, account, answers.clone()))));
        }
    }
    let deadline = Instant::now() + LOAD;
    let failed = |clients: &[(_, JoinHandle<_>)]| clients.iter().any(|(_, client)| client.is_finished());
    while answers.load(Ordering::Relaxed) < ANSWERS && Instant::now() < deadline && !failed(&clients) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill()?;
    let mut all = Vec::new();
    for (mode, client) in clients {
        all.push((mode, client.await?.with_context(|| format!("{mode:?}"))?));
    }
    let count = |part: fn(&Told) -> usize| all.iter().map(|(_, told)| part(told)).sum::<usize>();
    let counts = (count(|told| told.good.len()), count(|told| told.ended.len()), count(|told| told.superseded.len()));
    ensure!(counts.0 > 20 && counts.1 > 20 && counts.2 > 20, "too little happened: {counts:?}");
    Ok((server, all))
}

async fn proves(client: &mut Client, mode: Mode, token: &str, good: bool) -> anyhow::Result<()> {
    let answer = client.send(&mode.prove(token)).await?;
    let expected = if good { 200 } else { 401 };
    ensure!(answer.status == expected, "{mode:?}: {} instead of {expected}: {}", answer.status, answer.text());
    Ok(())
}

async fn what_clients_were_told_before_a_crash_holds_after_it() -> anyhow::Result<()> {
    let grace = format!("{}ms", SHORT.as_millis());
    let env = quick(&[("SESSION_REFRESH_GRACE_PERIOD", &grace)]);
    let (dead, all) = crash(&env).await?;
    let killed = Instant::now();
    let server = TestServer::start_in(dead.data.clone(), &env).await?;
    let mut client = server.client();
    for (mode, told) in &all {
        for token in &told.good {
            proves(&mut client, *mode, token, true).await.context("a session that goes on")?;
        }
        for token in &told.ended {
            proves(&mut client, *mode, token, false).await.context("a session that was ended")?;
        }
    }
    tokio::time::sleep_until((killed + SHORT).into()).await;
    for (mode, told) in &all {
        for token in &told.superseded {
            proves(&mut client, *mode, token, false).await.context("a token that was exchanged")?;
        }
    }
    Ok(())
}

/// The exchange may be on the disk or not; within the grace period the client need not know.
async fn an_answer_that_a_crash_swallowed_can_be_asked_for_again() -> anyhow::Result<()> {
    let env = quick(&[("SESSION_REFRESH_GRACE_PERIOD", "10m")]);
    let (dead, all) = crash(&env).await?;
    let server = TestServer::start_in(dead.data.clone(), &env).await?;
    let mut client = server.client();
    for (mode, told) in &all {
        for token in told.asked.iter().chain(&told.good) {
            let once = client.send(&mode.next(token)).await?;
            let twice = client.send(&mode.next(token)).await?;
            let (once, twice) = (mode.token(&once)?, mode.token(&twice)?);
            ensure!(*mode == Mode::Session || once == twice, "two successors of one token");
            proves(&mut client, *mode, &twice, true).await?;
        }
    }
    Ok(())
}

async fn a_sign_in_under_way_is_answered_before_the_server_ends() -> anyhow::Result<()> {
    let mut server = TestServer::seeded(&quick(&[("LOGIN_STALL_TIME", "1500")])).await?;
    let mut client = server.client();
    let under_way = tokio::spawn(async move { sign_in(&mut client, USER).await });
    let mut database = server::open(&server.database()?).await?;
    let deadline = Instant::now() + LOAD;
    loop {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM directus_sessions");
        if count.fetch_one(&mut database).await? == 1 {
            break;
        }
        ensure!(Instant::now() < deadline, "no session begins");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ensure!(!under_way.is_finished(), "the sign-in was not held");
    server.terminate()?;
    let tokens = under_way.await??;
    let status = server.ended().await?;
    ensure!(status.success(), "{status}");
    ensure!(server.client().send(&Request::new("GET", "/server/ping")).await.is_err(), "it listens on");
    let again = TestServer::start_in(server.data.clone(), &quick(&[])).await?;
    Tokens::of(&again.client().send(&refresh(&tokens.refresh)).await?)?;
    Ok(())
}
