//! The library's functions, for programs in C and for the packages. All are safe to call from any thread.
//!
//! Rules of pointers, which `.just/header/src/rules.h` tells to programs in C: a [`Slice`] that is handed over, in either
//! direction, is good until the call that it is handed over in returns; whoever needs it longer copies it. A `context` is handed
//! back as it was and never looked at. A server is good from the call that hands it over until `gatewit_free`. A function that
//! is given as `done` is called exactly once, on some thread. Invariant: no panic gets out.

use crate::{
    letters::Post,
    problem::Problem,
    request::{Answer, Asked},
    server::Embedded,
    under_way::End,
    variables::variables,
};
use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Changes with every change of what is in this file, so that files of different versions do not meet.
const VERSION: u32 = 3;

/// Bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    start: *const u8,
    length: usize,
}

/// A request. `target` is path and query; `headers` are lines as HTTP has them, `name: value` with a line feed after each;
/// `peer` is the address of the client, or empty.
#[repr(C)]
pub(crate) struct Request {
    method: Slice,
    target: Slice,
    headers: Slice,
    body: Slice,
    peer: Slice,
}

/// Called with a server and its facts, or with NULL and a problem. The facts are a JSON object: `warnings` about settings, the
/// `first_admin` if one was made (its `password` is nowhere else), and `body_limit` in bytes.
type Started = extern "C" fn(context: *mut c_void, server: *const Embedded, told: Slice);

/// Called with an answer as JSON, or with a problem.
type Told = extern "C" fn(context: *mut c_void, is_good: bool, told: Slice);

/// Called with an answer; `headers` are lines as in a request.
type Replied = extern "C" fn(context: *mut c_void, status: u16, headers: Slice, body: Slice);

/// Called with a letter as a JSON object (`id`, `recipient`, `subject`, `links`, `message`) and the number under which
/// `gatewit_sent` is to say what became of it. NULL if letters go out as the settings say.
type Send = Option<extern "C" fn(context: *mut c_void, number: u32, letter: Slice)>;

/// What is handed back and never looked at.
#[derive(Clone, Copy)]
struct Context(*mut c_void);

// SAFETY: it is not looked at; whoever handed it over takes it back on any thread, as the rules of this file say.
unsafe impl std::marker::Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Slice {
    fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }

    /// A copy.
    fn bytes(self) -> Vec<u8> {
        if self.start.is_null() || self.length == 0 {
            return Vec::new();
        }
        // SAFETY: by the rules of this file it is good while the call lasts.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }.to_vec()
    }

    fn text(self) -> String {
        String::from_utf8(self.bytes()).unwrap_or_default()
    }
}

/// Does `work`; a panic ends here, and the answer is `otherwise`.
fn contained<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// The version of these functions. It changes with every change that programs have to know of.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_version() -> u32 {
    VERSION
}

/// Starts a server. `settings` is a JSON object of the settings by their names, such as `{"DB_CLIENT": "sqlite3"}`; neither the
/// environment nor files are read, but those that `..._FILE` names. It returns at once; `done` is called in a second or two.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_start(
    settings: Slice,
    send: Send,
    letters: *mut c_void,
    done: Started,
    context: *mut c_void,
) {
    let (settings, letters, context) = (settings.bytes(), Context(letters), Context(context));
    let post =
        send.map(|send| Post::new(move |number, letter| send({ letters }.0, number, Slice::of(letter.as_bytes()))));
    let start = move || {
        let started = catch_unwind(AssertUnwindSafe(|| Embedded::start(variables(&settings)?, post)));
        let started = started.unwrap_or_else(|_| Err(Problem::Start("it stopped while it started".to_owned())));
        match started {
            Ok(server) => {
                let server = Arc::new(server);
                let facts = server.facts().to_owned();
                done({ context }.0, Arc::into_raw(server), Slice::of(facts.as_bytes()));
            }
            Err(problem) => done({ context }.0, std::ptr::null(), Slice::of(problem.to_json().as_bytes())),
        }
    };
    // It reads, compiles and hashes for a second.
    if let Err(error) = std::thread::Builder::new().name("gatewit-start".to_owned()).spawn(start) {
        let problem = Problem::Start(format!("there are no threads: {error}")).to_json();
        done(context.0, std::ptr::null(), Slice::of(problem.as_bytes()));
    }
}

/// Another handle to the same server; none for NULL.
fn handle(server: *const Embedded) -> Option<Arc<Embedded>> {
    if server.is_null() {
        return None;
    }
    // SAFETY: by the rules of this file it came from `Arc::into_raw` and was not freed.
    unsafe {
        Arc::increment_strong_count(server);
        Some(Arc::from_raw(server))
    }
}

/// What is asked of no server.
fn nobody() -> Problem {
    Problem::Usage("there is no server".to_owned())
}

/// Whether the server has a route for a method and a path; `/` and `/robots.txt` are the program's.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_owns(server: *const Embedded, method: Slice, path: Slice) -> bool {
    contained(false, || !server.is_null() && Embedded::owns(&method.text(), &path.text()))
}

/// Answers a request, and returns at once: the number by which it can be given up. `done` is called with 503 after `gatewit_close`.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_answer(
    server: *const Embedded,
    request: &Request,
    done: Replied,
    context: *mut c_void,
) -> u64 {
    answer(server, request, done, Context(context), false)
}

/// Answers a request as `gatewit_answer` does, but begins on this thread: the answer to what waits for nobody, such as who somebody
/// is, is told before it returns, and no thread has to wake another. It takes a millisecond or two at most; not for the one thread
/// of an event loop. The number is 0 if it has been answered.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_answer_here(
    server: *const Embedded,
    request: &Request,
    done: Replied,
    context: *mut c_void,
) -> u64 {
    answer(server, request, done, Context(context), true)
}

/// Answers a request; `here` is whether it begins on this thread.
fn answer(server: *const Embedded, request: &Request, done: Replied, context: Context, here: bool) -> u64 {
    let tell = move |end: End<Answer>| {
        let Answer { status, headers, body } = match end {
            End::Done(answer) => answer,
            End::Broken => Answer::broken(),
            End::Cancelled => Answer::cancelled(),
        };
        done({ context }.0, status, Slice::of(&headers), Slice::of(&body));
    };
    contained(0, || {
        let Some(server) = handle(server) else {
            tell(End::Broken);
            return 0;
        };
        let answering = server.answer(Asked {
            method: request.method.text(),
            target: request.target.text(),
            headers: request.headers.bytes(),
            body: request.body.bytes(),
            peer: request.peer.text(),
        });
        if here { server.begin(answering, tell) } else { server.run(answering, tell) }
    })
}

/// A typed call: an operation and its arguments as a JSON object. `docs/embedding-c.md` lists them; `verify` with a `token`
/// tells whose it is. It returns at once: the number by which it can be given up.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_call(
    server: *const Embedded,
    operation: Slice,
    arguments: Slice,
    done: Told,
    context: *mut c_void,
) -> u64 {
    let context = Context(context);
    let tell = move |end: End<Result<String, Problem>>| {
        let answer = match end {
            End::Done(answer) => answer,
            End::Broken => Err(Problem::broken()),
            End::Cancelled => Err(Problem::Cancelled),
        };
        match answer {
            Ok(answer) => done({ context }.0, true, Slice::of(answer.as_bytes())),
            Err(problem) => done({ context }.0, false, Slice::of(problem.to_json().as_bytes())),
        }
    };
    contained(0, || {
        let Some(server) = handle(server) else {
            tell(End::Done(Err(nobody())));
            return 0;
        };
        server.run(server.call(operation.text(), arguments.bytes()), tell)
    })
}

/// Gives up a request or a typed call by its number, as if whoever it is for had gone away. `done` is called for it all the same, soon
/// and on a thread of the library: with status 0 and nothing else, or with a problem of the kind `cancelled`; and with the answer if
/// that was there already. What has been done by then is done: a sign-in may have happened. Of a call that has ended nothing
/// more is told.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_cancel(server: *const Embedded, number: u64) {
    contained((), || {
        if let Some(server) = handle(server) {
            server.cancel(number);
        }
    });
}

/// Says what became of a letter: why it was not sent, or nothing if it was.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_sent(server: *const Embedded, number: u32, failure: Slice) {
    contained((), || {
        let failure = failure.text();
        if let Some(server) = handle(server) {
            server.sent(number, (!failure.is_empty()).then_some(failure));
        }
    });
}

/// Lets what is under way finish and closes the server. What is asked later is refused.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_close(server: *const Embedded, done: Told, context: *mut c_void) {
    let context = Context(context);
    let tell = move |_: End<()>| done({ context }.0, true, Slice::of(&[]));
    contained((), || {
        let Some(server) = handle(server) else { return tell(End::Broken) };
        let closing = server.clone();
        server.run(async move { closing.close().await }, tell);
    });
}

/// Lets go of a server. What is under way is told its end all the same.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gatewit_free(server: *const Embedded) {
    if !server.is_null() {
        // SAFETY: by the rules of this file this is the last use of the pointer.
        contained((), || drop(unsafe { Arc::from_raw(server) }));
    }
}
