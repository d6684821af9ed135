//! What JavaScript sees: a class whose methods give promises.

use gatewit_library::{self as library, Embedded, Functions, Request, Slice};
use napi::{
    Env, Error, JsDeferred, Result, Status,
    bindgen_prelude::{Buffer, Either, FnArgs, Function, Object, ToNapiValue},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use std::ffi::c_void;

/// Most letters that wait for the event loop. The server sends four at once.
const QUEUE: usize = 16;

/// What settles a promise, on the thread of the event loop.
type Settle<T> = Box<dyn FnOnce(Env) -> Result<T> + Send>;

/// A promise to be kept from another thread.
type Deferred<T> = JsDeferred<T, Settle<T>>;

/// The number of a letter, and the letter.
type Letter = FnArgs<(u32, String)>;

/// The program's function for letters; it does not keep the process alive.
type SendLetter = ThreadsafeFunction<Letter, (), Letter, Status, false, true, QUEUE>;

/// A started server. It is let go of with this object.
#[napi]
pub struct Server {
    functions: &'static Functions,
    embedded: *const Embedded,
    facts: String,
}

// SAFETY: the library's functions may be called from any thread.
unsafe impl Send for Server {}

/// The answer to a request.
#[napi(object)]
pub struct Reply {
    /// The status.
    pub status: u32,
    /// A line each, bytes as letters.
    pub headers: Buffer,
    /// The body.
    pub body: Buffer,
}

/// Loads the shared library from a path. Once is enough.
#[napi]
pub fn load(path: String) -> Result<()> {
    library::load(&path).map_err(failure)
}

/// Starts a server with settings as JSON: a promise of it, or of a problem as JSON. `send` is called with a number and a letter
/// as JSON, and is answered by `Server.sent`.
#[napi]
pub fn start<'env>(env: &'env Env, settings: String, send: Option<Function<'env, Letter, ()>>) -> Result<Object<'env>> {
    let functions = library::functions().ok_or_else(|| failure("the library is not loaded".to_owned()))?;
    let letters: *mut c_void = match send {
        // For as long as the process: a server may have a letter to send until its end.
        Some(send) => {
            let send: SendLetter = send.build_threadsafe_function().weak::<true>().max_queue_size::<QUEUE>().build()?;
            Box::into_raw(Box::new(send)).cast()
        }
        None => std::ptr::null_mut(),
    };
    let send = (!letters.is_null()).then_some(hand as library::Send);
    let (deferred, promise) = env.create_deferred::<Either<Server, String>, Settle<_>>()?;
    (functions.start)(Slice::of(settings.as_bytes()), send, letters, started, context(deferred));
    Ok(promise)
}

#[napi]
impl Server {
    /// What is known once it has started, as JSON.
    #[napi]
    pub fn facts(&self) -> String {
        self.facts.clone()
    }

    /// Whether a route of the server has this method and path.
    #[napi]
    pub fn owns(&self, method: String, path: String) -> bool {
        (self.functions.owns)(self.embedded, Slice::of(method.as_bytes()), Slice::of(path.as_bytes()))
    }

    /// Answers a request: a promise of a reply. `headers` are lines.
    #[napi]
    pub fn answer<'env>(
        &self,
        env: &'env Env,
        method: String,
        target: String,
        headers: Buffer,
        body: Option<Buffer>,
        peer: Option<String>,
    ) -> Result<Object<'env>> {
        let request = Request {
            method: Slice::of(method.as_bytes()),
            target: Slice::of(target.as_bytes()),
            headers: Slice::of(&headers),
            body: Slice::of(body.as_deref().unwrap_or_default()),
            peer: Slice::of(peer.as_deref().unwrap_or_default().as_bytes()),
        };
        let (deferred, promise) = env.create_deferred::<Reply, Settle<_>>()?;
        (self.functions.answer)(self.embedded, &request, replied, context(deferred));
        Ok(promise)
    }

    /// A typed call: a promise of its answer and of a problem, of which there is one, both as JSON.
    #[napi]
    pub fn call<'env>(&self, env: &'env Env, operation: String, arguments: String) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<Vec<Option<String>>, Settle<_>>()?;
        let (operation, arguments) = (Slice::of(operation.as_bytes()), Slice::of(arguments.as_bytes()));
        (self.functions.call)(self.embedded, operation, arguments, told, context(deferred));
        Ok(promise)
    }

    /// What became of a letter: why it was not sent, if it was not.
    #[napi]
    pub fn sent(&self, number: u32, failure: Option<String>) {
        (self.functions.sent)(self.embedded, number, Slice::of(failure.unwrap_or_default().as_bytes()));
    }

    /// Closes the server: a promise.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<Vec<Option<String>>, Settle<_>>()?;
        (self.functions.close)(self.embedded, told, context(deferred));
        Ok(promise)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        (self.functions.free)(self.embedded);
    }
}

fn failure(text: String) -> Error {
    Error::new(Status::GenericFailure, text)
}

/// A promise on its way through the library.
fn context<T: ToNapiValue>(deferred: Deferred<T>) -> *mut c_void {
    Box::into_raw(Box::new(deferred)).cast()
}

/// Keeps a promise. If JavaScript has ended meanwhile there is nobody to keep it to.
fn settle<T: ToNapiValue + Send + 'static>(context: *mut c_void, value: T) {
    // SAFETY: it comes from `context` with this type, and the library hands it back once.
    let deferred = unsafe { Box::from_raw(context.cast::<Deferred<T>>()) };
    deferred.resolve(Box::new(move |_| Ok(value)));
}

extern "C" fn started(context: *mut c_void, embedded: *const Embedded, told: Slice) {
    let started = match library::functions() {
        Some(functions) if !embedded.is_null() => Either::A(Server { functions, embedded, facts: told.text() }),
        _ => Either::B(told.text()),
    };
    settle(context, started);
}

extern "C" fn told(context: *mut c_void, is_good: bool, told: Slice) {
    let text = told.text();
    settle(context, if is_good { vec![Some(text), None] } else { vec![None, Some(text)] });
}

extern "C" fn replied(context: *mut c_void, status: u16, headers: Slice, body: Slice) {
    // Buffers are made on the thread of the event loop.
    let (headers, body) = (headers.bytes(), body.bytes());
    // SAFETY: as in `settle`.
    let deferred = unsafe { Box::from_raw(context.cast::<Deferred<Reply>>()) };
    deferred
        .resolve(Box::new(move |_| Ok(Reply { status: status.into(), headers: headers.into(), body: body.into() })));
}

extern "C" fn hand(context: *mut c_void, number: u32, letter: Slice) {
    // SAFETY: it was made in `start` and lives as long as the process.
    let send = unsafe { &*context.cast_const().cast::<SendLetter>() };
    // One that cannot be called says nothing, and the letter waits.
    let _ = send.call((number, letter.text()).into(), ThreadsafeFunctionCallMode::NonBlocking);
}
