//! The post against a server that can be made to fail. What a real one takes is tried in `tests/suites/mail.rs`.

use super::*;
use crate::{
    capability::{
        clock::SystemClock,
        storage::{Field, Value},
    },
    config,
};
use async_trait::async_trait;
use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// How long anything may take that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server says to a recipient; nothing at all means that it hangs.
type Answer = Arc<Mutex<Option<&'static str>>>;

const YES: Option<&str> = Some("250 yes");

/// A server that speaks just enough SMTP.
struct Server {
    address: SocketAddr,
    answer: Answer,
    taken: UnboundedReceiver<String>,
}

impl Server {
    async fn start(answer: Option<&'static str>) -> Self {
        Self::on("127.0.0.1:0".parse().unwrap(), answer).await
    }

    async fn on(address: SocketAddr, answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (address, answer) = (listener.local_addr().unwrap(), Answer::new(Mutex::new(answer)));
        let (letters, taken) = unbounded_channel();
        let answers = answer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, answers.clone(), letters.clone()));
            }
        });
        Self { address, answer, taken }
    }

    async fn next(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.taken.recv()).await.unwrap().unwrap()
    }
}

async fn talk(stream: TcpStream, answer: Answer, letters: UnboundedSender<String>) {
    let mut stream = BufReader::new(stream);
    let mut say = "220 here\r\n".to_owned();
    loop {
        stream.write_all(say.as_bytes()).await.unwrap();
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
            return;
        }
        let to_recipient = *answer.lock().unwrap();
        say = match line.split([' ', '\r']).next().unwrap() {
            "RCPT" => match to_recipient {
                Some(answer) => format!("{answer}\r\n"),
                None => return std::future::pending().await,
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                let mut letter = Vec::new();
                while !letter.ends_with(b"\r\n.\r\n") {
                    letter.push(stream.read_u8().await.unwrap());
                }
                letters.send(String::from_utf8(letter).unwrap()).unwrap();
                "250 taken\r\n".to_owned()
            }
            _ => "250 yes\r\n".to_owned(),
        };
    }
}

struct NoSettings;

#[async_trait]
impl Settings for NoSettings {
    async fn settings(&self) -> Result<Vec<Field>, storage::Error> {
        Ok(vec![Field { name: "project_name".to_owned(), value: Value::Text("Acme".to_owned()) }])
    }
}

fn config(server: SocketAddr) -> Mail {
    let (host, port) = (Some(server.ip().to_string()), Some(server.port()));
    Mail {
        verify_setup: false,
        smtp: config::Smtp { host, port, ..config::Smtp::default() },
        retry_after: Duration::from_millis(50),
        ..Mail::default()
    }
}

fn post(config: &Mail, folder: &TempDir) -> Post {
    let (transport, clock) = (transport::open(config).unwrap(), Arc::new(SystemClock));
    Post::open(config, "https://auth.example", folder.path(), Arc::new(NoSettings), transport, clock).unwrap()
}

fn letter(recipient: &str) -> Letter {
    Letter {
        template: "password-reset".to_owned(),
        recipient: recipient.to_owned(),
        language: None,
        values: vec![("url".to_owned(), "https://auth.example/?token=x".to_owned())],
    }
}

/// The names of the files in a folder of letters.
fn files(folder: &TempDir, name: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.path().join("mail").join(name)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_letter_arrives_and_leaves_nothing_behind() {
    let (folder, mut server) = (tempfile::tempdir().unwrap(), Server::start(YES).await);
    let post = post(&config(server.address), &folder);
    post.send(letter("ann@example.com")).await.unwrap();
    let taken = server.next().await;
    assert!(taken.contains("From: Acme <no-reply@example.com>") && taken.contains("To: ann@example.com"), "{taken}");
    until("the letter is removed", || files(&folder, "waiting").is_empty()).await;
    assert!(files(&folder, "failed").is_empty());
    post.close().await;
}

#[tokio::test]
async fn a_refused_letter_is_put_aside_with_the_reason() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(Some("550 5.1.1 no such person")).await);
    let post = post(&config(server.address), &folder);
    post.send(letter("ann@example.com")).await.unwrap();
    until("the letter is put aside", || files(&folder, "failed").len() == 2 && files(&folder, "waiting").is_empty())
        .await;
    let reason = folder.path().join("mail/failed").join(&files(&folder, "failed")[1]);
    assert!(fs::read_to_string(reason).unwrap().contains("no such person"));
    post.close().await;
}

#[tokio::test]
async fn a_letter_that_is_not_taken_is_tried_again() {
    let (folder, mut server) = (tempfile::tempdir().unwrap(), Server::start(Some("451 not now")).await);
    let post = post(&config(server.address), &folder);
    post.send(letter("ann@example.com")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(files(&folder, "waiting").len(), 1);
    *server.answer.lock().unwrap() = YES;
    server.next().await;
    until("the letter is removed", || files(&folder, "waiting").is_empty()).await;
    assert!(server.taken.try_recv().is_err(), "sent twice");
    post.close().await;
}

#[tokio::test]
async fn a_letter_is_not_tried_for_ever() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(Some("451 not now")).await);
    let post = post(&Mail { give_up_after: Duration::ZERO, ..config(server.address) }, &folder);
    post.send(letter("ann@example.com")).await.unwrap();
    until("the letter is put aside", || files(&folder, "failed").len() == 2).await;
    post.close().await;
}

#[tokio::test]
async fn letters_wait_for_a_server_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let post = post(&config(address), &folder);
    for recipient in ["ann@example.com", "bob@example.com"] {
        post.send(letter(recipient)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(files(&folder, "waiting").len(), 2);
    let mut server = Server::on(address, YES).await;
    let both = [server.next().await, server.next().await];
    assert!(both.iter().any(|text| text.contains("ann@")) && both.iter().any(|text| text.contains("bob@")));
    post.close().await;
}

#[tokio::test]
async fn what_an_earlier_run_has_left_is_sent() {
    let (folder, mut server) = (tempfile::tempdir().unwrap(), Server::start(Some("451 not now")).await);
    let first = post(&config(server.address), &folder);
    first.send(letter("ann@example.com")).await.unwrap();
    first.close().await;
    assert_eq!(files(&folder, "waiting").len(), 1);
    *server.answer.lock().unwrap() = YES;
    let second = post(&config(server.address), &folder);
    assert!(server.next().await.contains("ann@example.com"));
    second.close().await;
}

#[tokio::test]
async fn a_server_that_hangs_delays_nobody() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(None).await);
    let post = post(&config(server.address), &folder);
    let started = Instant::now();
    for _ in 0..8 {
        post.send(letter("ann@example.com")).await.unwrap();
    }
    post.close().await;
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert_eq!(files(&folder, "waiting").len(), 8);
}

#[tokio::test]
async fn more_letters_than_may_wait_are_refused() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(None).await);
    let post = post(&Mail { queue: 2, ..config(server.address) }, &folder);
    for _ in 0..2 {
        post.send(letter("ann@example.com")).await.unwrap();
    }
    assert!(matches!(post.send(letter("ann@example.com")).await, Err(SendError::Overloaded(2))));
    assert_eq!(files(&folder, "waiting").len(), 2);
    post.close().await;
}

#[tokio::test]
async fn letters_that_nobody_could_send_are_not_taken() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(YES).await);
    let post = post(&config(server.address), &folder);
    let template = |template: &str| Letter { template: template.to_owned(), ..letter("ann@example.com") };
    let long = Letter { values: vec![("x".to_owned(), "x".repeat(VALUES_BYTES_MAX))], ..letter("ann@example.com") };
    for unfit in
        [letter("ann"), letter("a@b\r\nBcc: c@d"), template("../secret"), template(""), template(&"a".repeat(65)), long]
    {
        assert!(matches!(post.send(unfit.clone()).await, Err(SendError::Unfit(_))), "{unfit:?}");
    }
    assert!(files(&folder, "waiting").is_empty());
    post.close().await;
}

#[tokio::test]
async fn a_template_that_nobody_has_is_put_aside() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(YES).await);
    let post = post(&config(server.address), &folder);
    post.send(Letter { template: "own".to_owned(), ..letter("ann@example.com") }).await.unwrap();
    until("the letter is put aside", || files(&folder, "failed").len() == 2).await;
    post.close().await;
}

#[tokio::test]
async fn letters_can_go_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let sent = folder.path().join("mail/sent");
    let transport = Some(config::MailTransport::File);
    let post = post(&Mail { transport, folder: sent, ..Mail::default() }, &folder);
    post.send(letter("ann@example.com")).await.unwrap();
    until("the letter is there", || files(&folder, "sent").len() == 1 && files(&folder, "waiting").is_empty()).await;
    let sent = fs::read_to_string(folder.path().join("mail/sent").join(&files(&folder, "sent")[0])).unwrap();
    assert!(sent.contains("To: ann@example.com"), "{sent}");
    post.close().await;
}
