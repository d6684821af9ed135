//! The folder in which letters wait, and the one for those that were put aside.
//!
//! A letter is a file: `waiting/<id>.json`. It is written under another name, flushed and renamed, so a file is there
//! whole or not at all, and `put` returns when it outlives a power cut. What was sent is removed; what cannot be sent
//! goes to `failed/` with the reason beside it, and comes back to life when somebody moves it back. The files hold links
//! that sign people in, so nobody else may read them. Deliberately absent: when to send what.
//!
//! Several processes may write into one folder; the one that holds the lock sends.

use crate::capability::clock::Clock;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

/// Letters that are kept in `failed/`; beyond it the oldest go. Enough to look into a fault, and it has an end.
pub(super) const FAILED_MAX: usize = 1000;

/// A draft that is older was left by a process that ended while it wrote.
const DRAFT_AGE: Duration = Duration::from_hours(1);

/// Random bytes in an id: letters of two processes do not meet.
const ID_BYTES: usize = 8;

const LETTER: &str = "json";
const DRAFT: &str = "new";
const REASON: &str = "txt";

/// What names a letter: the time it was taken at, its number in this process, and randomness. Names sort by age, and are
/// different even where time and randomness stand still.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(String);

impl Id {
    pub(super) fn new(clock: &dyn Clock) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut bytes = [0; ID_BYTES];
        clock.fill(&mut bytes)?;
        let (number, random) = (NUMBER.fetch_add(1, Ordering::Relaxed), u64::from_be_bytes(bytes));
        Ok(Self(format!("{:013}-{number:08x}-{random:016x}", clock.now().as_millis())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in the name of a file, if it is a letter's.
    fn of(path: &Path) -> Option<Self> {
        let is_letter = path.extension().is_some_and(|extension| extension == LETTER);
        is_letter.then(|| path.file_stem()?.to_str().map(|stem| Self(stem.to_owned()))).flatten()
    }
}

/// A letter as it waits: what it is filled with, and not yet its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) template: String,
    pub(super) recipient: String,
    pub(super) language: Option<String>,
    pub(super) values: Vec<(String, String)>,
    /// Milliseconds since the Unix epoch.
    pub(super) taken_at_ms: u64,
}

/// The right to send what is in the folder. It goes with the value, and with the process however that ends.
#[derive(Debug)]
pub(super) struct Lead(#[expect(dead_code, reason = "held, not read: closing the file gives the lock back")] File);

#[derive(Debug)]
pub(super) struct Spool {
    waiting: PathBuf,
    failed: PathBuf,
    lock: PathBuf,
}

impl Spool {
    /// Makes the folders where they are missing.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let spool = Self { waiting: folder.join("waiting"), failed: folder.join("failed"), lock: folder.join("lock") };
        for folder in [&spool.waiting, &spool.failed] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        Ok(spool)
    }

    /// The right to send, unless another process has it.
    pub(super) fn lead(&self) -> io::Result<Option<Lead>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.lock)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lead(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// How many letters wait, drafts included.
    pub(super) fn count(&self) -> io::Result<usize> {
        Ok(fs::read_dir(&self.waiting)?.count())
    }

    /// Keeps a letter, and returns when it is on the disk.
    pub(super) fn put(&self, id: &Id, letter: &Waiting) -> io::Result<()> {
        let text = serde_json::to_vec(letter)?;
        write_whole(&self.waiting, &id.0, LETTER, &text)
    }

    /// The letters that wait, oldest first.
    pub(super) fn list(&self) -> io::Result<Vec<Id>> {
        letters(&self.waiting)
    }

    /// A letter; `None` if somebody has taken it away.
    pub(super) fn read(&self, id: &Id) -> io::Result<Option<Waiting>> {
        match fs::read(self.file(id)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets a letter that was sent, for good: it does not come back after a power cut.
    pub(super) fn remove(&self, id: &Id) -> io::Result<()> {
        remove_if_there(&self.file(id))?;
        flush_folder(&self.waiting)
    }

    /// Puts a letter aside, and why.
    pub(super) fn fail(&self, id: &Id, reason: &str) -> io::Result<()> {
        write_whole(&self.failed, &id.0, REASON, format!("{reason}\n").as_bytes())?;
        fs::rename(self.file(id), self.failed.join(&id.0).with_extension(LETTER))?;
        for old in surplus(letters(&self.failed)?, FAILED_MAX) {
            let path = self.failed.join(&old.0);
            remove_if_there(&path.with_extension(LETTER))?;
            remove_if_there(&path.with_extension(REASON))?;
        }
        flush_folder(&self.failed)?;
        flush_folder(&self.waiting)
    }

    /// Removes what processes left that ended while they wrote.
    pub(super) fn sweep(&self, now: SystemTime) -> io::Result<()> {
        for entry in fs::read_dir(&self.waiting)? {
            let entry = entry?;
            let path = entry.path();
            let age = entry.metadata().and_then(|facts| facts.modified()).map(|at| now.duration_since(at));
            let is_old = matches!(age, Ok(Ok(age)) if age > DRAFT_AGE);
            if is_old && path.extension().is_some_and(|extension| extension == DRAFT) {
                remove_if_there(&path)?;
            }
        }
        Ok(())
    }

    fn file(&self, id: &Id) -> PathBuf {
        self.waiting.join(&id.0).with_extension(LETTER)
    }
}

/// Writes `<folder>/<name>.<extension>`, for this account alone, and returns when it is on the disk.
pub(super) fn write_whole(folder: &Path, name: &str, extension: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name).with_extension(extension);
    let draft = folder.join(name).with_extension(DRAFT);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        flush_folder(folder)
    };
    write().inspect_err(|_| {
        // A full disk must not be left fuller; if this fails, too, the draft is swept up later.
        let _ = fs::remove_file(&draft);
    })
}

/// The ids that are too many, oldest first.
fn surplus(mut ids: Vec<Id>, most: usize) -> Vec<Id> {
    ids.truncate(ids.len().saturating_sub(most));
    ids
}

fn letters(folder: &Path) -> io::Result<Vec<Id>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        found.extend(Id::of(&entry?.path()));
    }
    found.sort();
    Ok(found)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A name in a folder outlives a power cut only once the folder is flushed.
fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::clock::SystemClock;
    use std::os::unix::fs::PermissionsExt;

    fn letter(recipient: &str) -> Waiting {
        Waiting {
            template: "password-reset".to_owned(),
            recipient: recipient.to_owned(),
            language: None,
            values: vec![("url".to_owned(), "https://a.example/?token=x".to_owned())],
            taken_at_ms: 5,
        }
    }

    fn put(spool: &Spool, recipient: &str) -> Id {
        let id = Id::new(&SystemClock).unwrap();
        spool.put(&id, &letter(recipient)).unwrap();
        id
    }

    #[test]
    fn a_letter_outlives_the_process_that_took_it() {
        let folder = tempfile::tempdir().unwrap();
        let id = put(&Spool::open(folder.path()).unwrap(), "a@b.example");
        let later = Spool::open(folder.path()).unwrap();
        assert_eq!(later.list().unwrap(), std::slice::from_ref(&id));
        assert_eq!(later.read(&id).unwrap(), Some(letter("a@b.example")));
        later.remove(&id).unwrap();
        assert_eq!((later.list().unwrap(), later.read(&id).unwrap()), (vec![], None));
        later.remove(&id).unwrap();
    }

    #[test]
    fn nobody_else_may_read_letters() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("mail")).unwrap();
        let id = put(&spool, "a@b.example");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&spool.file(&id)), 0o600);
        assert_eq!([mode(&spool.waiting), mode(&spool.failed), mode(&folder.path().join("mail"))], [0o700; 3]);
    }

    #[test]
    fn what_is_half_written_is_no_letter_and_is_swept_up() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let draft = spool.waiting.join("1-a.new");
        fs::write(&draft, "{\"templ").unwrap();
        assert_eq!(spool.list().unwrap(), []);
        spool.sweep(SystemTime::now()).unwrap();
        assert!(draft.exists(), "it may be written right now");
        spool.sweep(SystemTime::now() + DRAFT_AGE * 2).unwrap();
        assert!(!draft.exists());
    }

    #[test]
    fn a_letter_put_aside_has_its_reason_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let id = put(&spool, "a@b.example");
        spool.fail(&id, "550 no such person").unwrap();
        assert_eq!(spool.list().unwrap(), []);
        let aside = spool.failed.join(id.as_str());
        assert_eq!(fs::read_to_string(aside.with_extension("txt")).unwrap(), "550 no such person\n");
        fs::rename(aside.with_extension("json"), spool.file(&id)).unwrap();
        assert_eq!(spool.read(&id).unwrap(), Some(letter("a@b.example")), "moved back, it waits again");
    }

    #[test]
    fn only_the_newest_are_kept() {
        let ids = |names: &[&str]| names.iter().map(|name| Id((*name).to_owned())).collect::<Vec<_>>();
        assert_eq!(surplus(ids(&["1", "2", "3"]), 2), ids(&["1"]));
        assert_eq!(surplus(ids(&["1"]), 2), []);
    }

    #[test]
    fn one_sends_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Spool::open(folder.path()).unwrap(), Spool::open(folder.path()).unwrap());
        let lead = one.lead().unwrap();
        assert!(lead.is_some() && other.lead().unwrap().is_none());
        drop(lead);
        assert!(other.lead().unwrap().is_some());
    }
}
