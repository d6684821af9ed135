//! The templates: the operator's folder, and behind it those that are built in.
//!
//! A file counts from the moment it is changed: each letter looks at the times of the files it was compiled from. A
//! template with a flaw is told of with each letter, and the built-in one is used. Links out of the folder are followed: it is the
//! operator's.

use super::{
    compose::{self, Flaw},
    values::{Sheet, Values},
};
use liquid::Template;
use std::{
    collections::HashMap,
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Largest template that is read, in bytes: a letter with its pictures inside is smaller.
const TEMPLATE_BYTES_MAX: u64 = 256 << 10;

/// Compiled templates that are kept: three letters, two forms and a few languages.
const KEPT_MAX: usize = 64;

const BASE: &str = include_str!("base.liquid");
const LETTER: &str = include_str!("letter.liquid");
const LETTER_TEXT: &str = include_str!("letter.txt.liquid");

/// The built-in page of this name.
fn built_in(page: &str) -> Option<&'static str> {
    Some(match page {
        "base" => BASE,
        "password-reset" | "user-invitation" | "user-registration" => LETTER,
        "password-reset.txt" | "user-invitation.txt" | "user-registration.txt" => LETTER_TEXT,
        _ => return None,
    })
}

/// What a file looked like: when it was changed and how long it is; `None` where there was none.
type Stamp = Option<(SystemTime, u64)>;

/// A template and the files that it was made from, those included that were not there.
struct Kept {
    files: Vec<(PathBuf, Stamp)>,
    compiled: Result<Arc<Template>, Flaw>,
}

pub(super) struct Library {
    folder: PathBuf,
    kept: Mutex<HashMap<String, Kept>>,
}

impl Library {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, kept: Mutex::default() }
    }

    /// Has the operator a page of this name?
    pub(super) fn has(&self, page: &str) -> bool {
        stamp(&self.file(page)).is_some()
    }

    /// Renders a page; where the operator's has a flaw, the built-in page `instead`.
    pub(super) fn render(&self, page: &str, instead: &str, values: &Values) -> Result<String, Flaw> {
        let flaw = match self.compiled(page).and_then(|template| render(page, &template, values)) {
            Ok(text) => return Ok(text),
            Err(flaw) => flaw,
        };
        let mut source = |page: &str| built_in(page).map(ToOwned::to_owned);
        let Ok(template) = compose::compile(instead, &mut source) else { return Err(flaw) };
        tracing::error!(folder = %self.folder.display(), "a template has a flaw, the built-in one is used: {flaw}");
        render(instead, &template, values)
    }

    /// The template of a page, compiled again if a file of it has changed.
    fn compiled(&self, page: &str) -> Result<Arc<Template>, Flaw> {
        if let Some(kept) = self.lock().get(page)
            && kept.files.iter().all(|(file, seen)| stamp(file) == *seen)
        {
            return kept.compiled.clone();
        }
        let mut files = Vec::new();
        let mut source = |page: &str| {
            let file = self.file(page);
            files.push((file.clone(), stamp(&file)));
            match read(&file) {
                Ok(text) => text.or_else(|| built_in(page).map(ToOwned::to_owned)),
                Err(error) => {
                    tracing::error!(file = %file.display(), %error, "a template cannot be read");
                    built_in(page).map(ToOwned::to_owned)
                }
            }
        };
        let compiled = compose::compile(page, &mut source).map(Arc::new);
        let mut kept = self.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(page.to_owned(), Kept { files, compiled: compiled.clone() });
        compiled
    }

    fn file(&self, page: &str) -> PathBuf {
        self.folder.join(format!("{page}.liquid"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn render(page: &str, template: &Template, values: &Values) -> Result<String, Flaw> {
    let mut sheet = Sheet::default();
    match template.render_to(&mut sheet, values) {
        Ok(()) => Ok(sheet.text()),
        Err(_) if sheet.is_full() => {
            Err(Flaw::Unfit { page: page.to_owned(), reason: "makes a letter that is too long".to_owned() })
        }
        Err(error) => Err(Flaw::Unfit { page: page.to_owned(), reason: compose::explain(&error).1 }),
    }
}

fn stamp(file: &Path) -> Stamp {
    let facts = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    Some((facts.modified().ok()?, facts.len()))
}

/// The text of a file, if it is there.
fn read(file: &Path) -> io::Result<Option<String>> {
    let opened = match fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    opened.take(TEMPLATE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEMPLATE_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {TEMPLATE_BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}
