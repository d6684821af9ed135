//! The files of the pages: those in the binary, and over them those of a folder of the operator's.
//!
//! They are read once, at the start: what is served does not change under a browser that has half of it. Each is compressed
//! once, too.

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

// `EMBEDDED`: names, contents, and contents compressed; by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Files of an operator's folder at most: ten times as many as ours.
const FILES_MAX: usize = 500;

/// Bytes of an operator's folder at most: they are kept in memory.
const BYTES_MAX: u64 = 16 << 20;

/// What browsers are told that a file is, by the end of its name; others are not served.
const KINDS: [(&str, &str); 11] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("webp", "image/webp"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
];

/// A file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its `Content-Type`.
    pub(super) kind: &'static str,
    pub(super) plain: Bytes,
    /// The same compressed, where that is smaller.
    pub(super) compressed: Option<Bytes>,
}

/// All files, by their names: `login.html`, `assets/style.css`.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, File>);

impl Files {
    /// Those in the binary, and those of `own` in place of them and beside them.
    pub(super) fn gather(own: Option<&Path>) -> Result<Self, String> {
        let embedded = EMBEDDED.iter().filter_map(|(name, plain, compressed)| {
            let [plain, compressed] = [plain, compressed].map(|bytes| Bytes::from_static(bytes));
            Some(((*name).to_owned(), File { kind: kind(name)?, plain, compressed: Some(compressed) }))
        });
        let mut files = Self(embedded.collect());
        if let Some(folder) = own {
            let told = |error: io::Error| format!("GATEWIT_PAGES: {}: {error}", folder.display());
            files.add(folder).map_err(told)?;
        }
        Ok(files)
    }

    pub(super) fn find(&self, name: &str) -> Option<&File> {
        self.0.get(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what is in a folder. What has no known kind, and what begins with a dot, is left alone.
    fn add(&mut self, folder: &Path) -> io::Result<()> {
        let (mut waiting, mut bytes, mut count) = (vec![(folder.to_owned(), String::new())], 0, 0);
        while let Some((folder, prefix)) = waiting.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let (path, name) = (entry.path(), format!("{prefix}{name}"));
                if entry.file_name().as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    waiting.push((path, name + "/"));
                } else if let Some(kind) = kind(&name) {
                    (count, bytes) = (count + 1, bytes + fs::metadata(&path)?.len());
                    if count > FILES_MAX || bytes > BYTES_MAX {
                        return Err(io::Error::other(format!("more than {FILES_MAX} files or {BYTES_MAX} bytes")));
                    }
                    self.0.insert(name, File::new(kind, fs::read(&path)?)?);
                }
            }
        }
        Ok(())
    }
}

impl File {
    fn new(kind: &'static str, plain: Vec<u8>) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        let compressed = encoder.finish()?;
        let compressed = (compressed.len() < plain.len()).then(|| compressed.into());
        Ok(Self { kind, plain: plain.into(), compressed })
    }
}

fn kind(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    KINDS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_files_lie_over_those_of_the_binary() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("assets/.hidden")).unwrap();
        for (name, text) in [
            ("login.html", "own"),
            ("assets/extra.svg", "<svg/>"),
            ("assets/key.pem", "secret"),
            ("assets/.hidden/a.js", "x"),
            ("README", "x"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let (ours, both) = (Files::gather(None).unwrap(), Files::gather(Some(folder.path())).unwrap());
        assert_eq!(both.find("login.html").unwrap().plain, "own");
        assert_eq!(both.find("assets/extra.svg").unwrap().kind, "image/svg+xml");
        let added: Vec<_> = both.0.keys().filter(|name| ours.find(name).is_none() && *name != "login.html").collect();
        assert_eq!(added, ["assets/extra.svg"]);
    }

    #[test]
    fn a_folder_that_is_not_there_or_too_large_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Files::gather(Some(&folder.path().join("none"))).unwrap_err().contains("GATEWIT_PAGES"));
        for number in 0..=FILES_MAX {
            fs::write(folder.path().join(format!("{number}.js")), "").unwrap();
        }
        assert!(Files::gather(Some(folder.path())).unwrap_err().contains("more than"));
    }

    #[test]
    fn what_is_compressed_is_the_same_file() {
        use std::io::Read as _;
        for (name, plain, compressed) in EMBEDDED {
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(*compressed).read_to_end(&mut read).unwrap();
            assert_eq!(read, *plain, "{name}");
            assert!(kind(name).is_some(), "{name} would not be served");
        }
    }
}
