//! Letters by the program `sendmail`, which has a queue of its own.

use super::{Outcome, Outgoing, Transport, one_line};
use crate::config::{self, NewLine};
use async_trait::async_trait;
use lettre::{AsyncSendmailTransport, AsyncTransport, Tokio1Executor};
use std::{path::PathBuf, time::Duration};

/// How long the program may take. It only puts the letter into its queue.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Sendmail {
    path: PathBuf,
    program: AsyncSendmailTransport<Tokio1Executor>,
    new_line: NewLine,
}

impl Sendmail {
    pub(super) fn new(config: &config::Sendmail) -> Self {
        let program = AsyncSendmailTransport::new_with_command(config.path.clone());
        Self { path: config.path.clone(), program, new_line: config.new_line }
    }
}

#[async_trait]
impl Transport for Sendmail {
    async fn send(&self, letter: &Outgoing) -> Outcome {
        let bytes = match self.new_line {
            NewLine::Windows => letter.bytes.clone(),
            NewLine::Unix => unix(&letter.bytes),
        };
        match tokio::time::timeout(PATIENCE, self.program.send_raw(&letter.envelope, &bytes)).await {
            Ok(Ok(())) => Outcome::Sent,
            Ok(Err(error)) => Outcome::Later(one_line(&error)),
            Err(_) => Outcome::Later("the program did not end in time".to_owned()),
        }
    }

    async fn check(&self) -> Result<(), String> {
        let there = self.path.is_file();
        if there { Ok(()) } else { Err(format!("there is no {}", self.path.display())) }
    }
}

/// The lines of a letter with the ends that Unix programs read.
fn unix(letter: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(letter.len());
    for (index, line) in letter.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            lines.push(b'\n');
        }
        lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::address::Envelope;
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    fn program(folder: &Path, script: &str) -> Sendmail {
        let path = folder.join("sendmail");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Sendmail::new(&config::Sendmail { path, new_line: NewLine::Unix })
    }

    fn letter() -> Outgoing {
        Outgoing {
            id: "1".to_owned(),
            envelope: Envelope::new("a@b.example".parse().ok(), vec!["c@d.example".parse().unwrap()]).unwrap(),
            bytes: b"Subject: x\r\n\r\nHello\r\n".to_vec(),
            recipient: "c@d.example".to_owned(),
            subject: "x".to_owned(),
            links: vec![],
        }
    }

    #[tokio::test]
    async fn the_program_gets_the_envelope_and_the_letter() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let sendmail = program(folder.path(), &format!("echo \"$@\" > {0}; cat >> {0}", out.display()));
        assert_eq!(sendmail.check().await, Ok(()));
        assert_eq!(sendmail.send(&letter()).await, Outcome::Sent);
        assert_eq!(fs::read_to_string(out).unwrap(), "-i -f a@b.example -- c@d.example\nSubject: x\n\nHello\n");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let sendmail = program(folder.path(), "cat > /dev/null; echo 'queue is full' >&2; exit 75");
        let Outcome::Later(why) = sendmail.send(&letter()).await else { panic!("not later") };
        assert!(why.contains("queue is full"), "{why}");
    }
}
