//! The functions of the shared library, as `../shared/src/abi.rs` has them, for the packages of languages; its rules of
//! pointers hold here.
//!
//! Invariant: a library of another version is not called. Absent: the server, so that whoever uses this is built without it.
#![expect(unsafe_code, reason = "the other side of a C ABI")]

use libloading::Library;
use std::{ffi::c_void, sync::OnceLock};

/// What the library of the same version answers.
const VERSION: u32 = 3;

/// Bytes of somebody else, or of ours while a call lasts.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    start: *const u8,
    length: usize,
}

impl Slice {
    /// Bytes of ours.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }

    /// A copy.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        if self.start.is_null() || self.length == 0 {
            return Vec::new();
        }
        // SAFETY: it is good while the call lasts in which it is handed over.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }.to_vec()
    }

    /// A copy, as text.
    #[must_use]
    pub fn text(self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

/// A request.
#[repr(C)]
pub struct Request {
    /// Its method.
    pub method: Slice,
    /// Path and query.
    pub target: Slice,
    /// Lines.
    pub headers: Slice,
    /// Its body.
    pub body: Slice,
    /// An address, or nothing.
    pub peer: Slice,
}

/// A server of the library; never looked into.
#[repr(C)]
pub struct Embedded([u8; 0]);

/// Called with a server and its facts, or with none and a problem.
pub type Started = extern "C" fn(context: *mut c_void, server: *const Embedded, told: Slice);
/// Called with an answer, or with a problem.
pub type Told = extern "C" fn(context: *mut c_void, is_good: bool, told: Slice);
/// Called with an answer; `headers` are lines.
pub type Replied = extern "C" fn(context: *mut c_void, status: u16, headers: Slice, body: Slice);
/// Called with a letter and its number.
pub type Send = extern "C" fn(context: *mut c_void, number: u32, letter: Slice);

/// The functions.
pub struct Functions {
    /// Starts a server.
    pub start: extern "C" fn(Slice, Option<Send>, *mut c_void, Started, *mut c_void),
    /// Whether a route has a method and a path.
    pub owns: extern "C" fn(*const Embedded, Slice, Slice) -> bool,
    /// Answers a request; the number by which it can be given up.
    pub answer: extern "C" fn(*const Embedded, &Request, Replied, *mut c_void) -> u64,
    /// A typed call; its number.
    pub call: extern "C" fn(*const Embedded, Slice, Slice, Told, *mut c_void) -> u64,
    /// What became of a letter.
    pub sent: extern "C" fn(*const Embedded, u32, Slice),
    /// Closes a server.
    pub close: extern "C" fn(*const Embedded, Told, *mut c_void),
    /// Lets go of a server.
    pub free: extern "C" fn(*const Embedded),
    /// It stays where it is as long as the functions may be called: for ever.
    _library: Library,
}

static FUNCTIONS: OnceLock<Functions> = OnceLock::new();

/// The functions, once [`load`] has found them.
#[must_use]
pub fn functions() -> Option<&'static Functions> {
    FUNCTIONS.get()
}

/// Loads the library. Once is enough.
///
/// # Errors
/// It is not there, cannot be loaded, or is of another version.
pub fn load(path: &str) -> Result<(), String> {
    if FUNCTIONS.get().is_some() {
        return Ok(());
    }
    let found = find(path).map_err(|error| format!("`{path}` cannot be loaded: {error}"))?;
    let Some(functions) = found else { return Err(format!("`{path}` is of another version")) };
    // Another thread may have been first; its library is the same.
    let _ = FUNCTIONS.set(functions);
    Ok(())
}

fn find(path: &str) -> Result<Option<Functions>, libloading::Error> {
    // SAFETY: the library is ours, runs nothing when it is loaded, and has these functions if its version is ours.
    unsafe {
        let library = Library::new(path)?;
        let version: extern "C" fn() -> u32 = *library.get(b"gatewit_version")?;
        if version() != VERSION {
            return Ok(None);
        }
        Ok(Some(Functions {
            start: *library.get(b"gatewit_start")?,
            owns: *library.get(b"gatewit_owns")?,
            answer: *library.get(b"gatewit_answer")?,
            call: *library.get(b"gatewit_call")?,
            sent: *library.get(b"gatewit_sent")?,
            close: *library.get(b"gatewit_close")?,
            free: *library.get(b"gatewit_free")?,
            _library: library,
        }))
    }
}
