//! Letters in a folder, one `.eml` each, for development. The newest are kept.

use super::{OpenError, Outcome, Outgoing, Transport, one_line};
use crate::capability::mail::spool::{FAILED_MAX, write_whole};
use async_trait::async_trait;
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Letters that are kept; the oldest go. As many as are kept of those that could not be sent.
const KEPT_MAX: usize = FAILED_MAX;

const LETTER: &str = "eml";

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
        Ok(Self(path.to_owned()))
    }
}

#[async_trait]
impl Transport for Folder {
    async fn send(&self, letter: &Outgoing) -> Outcome {
        let (folder, letter) = (self.0.clone(), letter.clone());
        match tokio::task::spawn_blocking(move || keep(&folder, &letter)).await {
            Ok(Ok(())) => Outcome::Sent,
            Ok(Err(error)) => Outcome::Away(one_line(&error)),
            Err(_) => Outcome::Later("writing the file failed".to_owned()),
        }
    }

    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Writes a letter; its name begins with the time, so that names sort by age.
fn keep(folder: &Path, letter: &Outgoing) -> io::Result<()> {
    write_whole(folder, &letter.id, LETTER, &letter.bytes)?;
    let mut letters = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        letters.extend(path.extension().is_some_and(|extension| extension == LETTER).then_some(path.clone()));
    }
    letters.sort();
    letters.truncate(letters.len().saturating_sub(KEPT_MAX));
    letters.iter().try_for_each(fs::remove_file)
}
