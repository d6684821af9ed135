//! A directory of one person, in threads of its own, and every way to misbehave. It speaks just enough LDAP (RFC 4511) for the
//! driver's questions, written from the text alone; nothing of the driver is in it.
//!
//! Invariant: a connection that it does not answer stays open without a thread that sleeps.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The account that searches, and its password.
pub const SERVICE: (&str, &str) = ("cn=service", "service-password");

/// The name of the one person's entry, what they type, and their password.
pub const PERSON: (&str, &str, &str) = ("cn=Alice,ou=people", "alice", "alice-password");

/// How often a slow server sends a byte.
const DRIP: Duration = Duration::from_millis(20);

/// Which question is met with the conduct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The bind account's sign-in.
    Bind,
    /// The search for the person.
    Search,
    /// The person's own sign-in.
    Password,
}

/// What it does then, and from then on.
#[derive(Clone, Debug)]
pub enum Conduct {
    /// Nothing at all.
    Hang,
    /// Half of an answer, and then it closes.
    Half,
    /// It closes.
    Close,
    /// A byte now and then, of an answer that has no end.
    Drip,
    /// These bytes.
    Say(Vec<u8>),
    /// So many entries, of which each is the person.
    Entries(usize),
    /// A result with this number, and where to go instead.
    Result(u8, Vec<String>),
    /// The result of somebody else's question.
    Stray,
}

/// A running directory.
pub struct Directory {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Directory {
    /// Starts one that misbehaves at this stage.
    pub fn start(conduct: Option<(Stage, Conduct)>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&asked);
        // It ends with the process: nobody can wake it without connecting.
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                // As real ones do: the second message of an answer does not wait until the first has been acknowledged.
                let _ = stream.set_nodelay(true);
                let (conduct, all) = (conduct.clone(), Arc::clone(&all));
                if matches!(&conduct, Some((Stage::Bind, Conduct::Hang))) {
                    silent.push(stream);
                    continue;
                }
                std::thread::spawn(move || Conversation { stream, conduct, all, bytes: Vec::new() }.hold());
            }
        });
        Ok(Self { port, asked })
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

struct Conversation {
    stream: TcpStream,
    conduct: Option<(Stage, Conduct)>,
    all: Arc<Mutex<Vec<String>>>,
    bytes: Vec<u8>,
}

impl Conversation {
    fn hold(mut self) {
        while let Some(message) = self.next_message() {
            if self.answer(&message).is_none() {
                return;
            }
        }
    }

    fn next_message(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((_, content, rest)) = take(&self.bytes) {
                let message = content.to_vec();
                self.bytes = rest.to_vec();
                return Some(message);
            }
            let mut piece = [0; 4096];
            let count = self.stream.read(&mut piece).ok().filter(|count| *count > 0)?;
            self.bytes.extend_from_slice(piece.get(..count)?);
        }
    }

    fn answer(&mut self, message: &[u8]) -> Option<()> {
        let (_, id, rest) = take(message)?;
        let (kind, operation, _) = take(rest)?;
        let id = id.to_vec();
        match kind {
            0x60 => {
                let (_, _, rest) = take(operation)?;
                let (_, name, rest) = take(rest)?;
                let (_, password, _) = take(rest)?;
                let (name, password) = (String::from_utf8_lossy(name), String::from_utf8_lossy(password));
                self.note(&format!("bind {name}"));
                let is_service = (name.as_ref(), password.as_ref()) == SERVICE;
                let is_person = (name.as_ref(), password.as_ref()) == (PERSON.0, PERSON.2);
                let stage = if name == SERVICE.0 { Stage::Bind } else { Stage::Password };
                // An empty password is no sign-in, and that succeeds (RFC 4513, section 5.1.2).
                let code = if is_service || is_person || password.is_empty() { 0 } else { 49 };
                self.say(stage, &id, 0x61, &result(code, &[]))
            }
            0x63 => {
                let (_, base, _) = take(operation)?;
                self.note(&format!("search {}", String::from_utf8_lossy(base)));
                let value = [&[0x04, u8::try_from(PERSON.1.len()).ok()?][..], PERSON.1.as_bytes()].concat();
                let is_meant = operation.windows(value.len()).any(|part| part.eq_ignore_ascii_case(&value));
                let is_base = base.eq_ignore_ascii_case(PERSON.0.as_bytes());
                let is_misbehaving = matches!(&self.conduct, Some((Stage::Search, _)));
                if (is_meant || is_base) && !is_misbehaving {
                    self.send(&id, 0x64, &entry())?;
                }
                self.say(Stage::Search, &id, 0x65, &result(0, &[]))
            }
            _ => None,
        }
    }

    fn note(&self, what: &str) {
        self.all.lock().unwrap().push(what.to_owned());
    }

    fn send(&mut self, id: &[u8], kind: u8, content: &[u8]) -> Option<()> {
        let inner = [wrap(0x02, id), wrap(kind, content)].concat();
        self.stream.write_all(&wrap(0x30, &inner)).ok()
    }

    /// Answers, or does what it does at this stage. `None`: the conversation is over.
    fn say(&mut self, stage: Stage, id: &[u8], kind: u8, content: &[u8]) -> Option<()> {
        let Some((_, conduct)) = self.conduct.clone().filter(|(at, _)| *at == stage) else {
            return self.send(id, kind, content);
        };
        match conduct {
            Conduct::Hang => self.wait(),
            Conduct::Half => {
                let whole = wrap(0x30, &[wrap(0x02, id), wrap(kind, content)].concat());
                let _ = self.stream.write_all(whole.get(..whole.len() / 2)?);
                None
            }
            Conduct::Close => None,
            Conduct::Drip => {
                self.stream.write_all(&[0x30, 0x82, 0x7f, 0xff]).ok()?;
                while self.stream.write_all(&[0]).is_ok() {
                    std::thread::sleep(DRIP);
                }
                None
            }
            Conduct::Say(bytes) => {
                self.stream.write_all(&bytes).ok()?;
                self.wait()
            }
            Conduct::Entries(count) => {
                for _ in 0..count {
                    self.send(id, 0x64, &entry())?;
                }
                self.send(id, 0x65, &result(0, &[]))
            }
            Conduct::Result(code, referral) => self.send(id, kind, &result(code, &referral)),
            Conduct::Stray => self.send(&[99], kind, content),
        }
    }

    /// Until the other side closes.
    fn wait(&mut self) -> Option<()> {
        while self.stream.read(&mut [0; 512]).is_ok_and(|count| count > 0) {}
        None
    }
}

/// One value with its tag: tag, content, and what follows. `None` if not all of it is there.
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, first) = (*bytes.first()?, *bytes.get(1)?);
    let count = usize::from(first & 0x7f);
    let (length, from) = if first < 0x80 {
        (usize::from(first), 2)
    } else {
        let digits = bytes.get(2..2 + count)?;
        (digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit)), 2 + count)
    };
    Some((kind, bytes.get(from..from + length)?, bytes.get(from + length..)?))
}

fn wrap(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[kind, 0x82][..], &length, content].concat()
}

fn result(code: u8, referral: &[String]) -> Vec<u8> {
    let mut parts = vec![wrap(0x0a, &[code]), wrap(0x04, b""), wrap(0x04, b"")];
    if !referral.is_empty() {
        let addresses: Vec<_> = referral.iter().map(|address| wrap(0x04, address.as_bytes())).collect();
        parts.push(wrap(0xa3, &addresses.concat()));
    }
    parts.concat()
}

fn entry() -> Vec<u8> {
    let attribute = |name: &str, value: &str| {
        let values = wrap(0x31, &wrap(0x04, value.as_bytes()));
        wrap(0x30, &[wrap(0x04, name.as_bytes()), values].concat())
    };
    let attributes =
        [attribute("cn", PERSON.1), attribute("mail", "alice@directory.example"), attribute("sn", "Directory")];
    [wrap(0x04, PERSON.0.as_bytes()), wrap(0x30, &attributes.concat())].concat()
}
