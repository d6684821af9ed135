//! What JavaScript sees: a class whose methods give promises, and for answers to requests, of which there are many, tell them to one
//! function: a promise that is kept from another thread costs as much as all the rest.

use gatewit_library::{self as library, Embedded, Functions, Request, Slice};
use napi::{
    Env, Error, JsDeferred, Result, Status,
    bindgen_prelude::{BufferSlice, Either, FnArgs, Function, Object, ToNapiValue},
    check_status, sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use std::{
    ffi::c_void,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

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

/// All answers that are there by the time.
type Replies = FnArgs<(Waiting,)>;

/// The package's function for answers; what waits for one keeps the process alive.
type Tell = ThreadsafeFunction<Replies, (), Replies, Status, false, true>;

/// An answer to a request: its number, status, headers and body.
struct Reply {
    number: u32,
    status: u32,
    headers: Vec<u8>,
    body: Vec<u8>,
}

/// Answers that wait for the event loop. It is woken for the first, and takes all: a call of JavaScript costs as much as the rest of
/// an answer's way.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<Vec<Reply>>>);

impl Waiting {
    /// Adds one; whether it is the first.
    fn add(&self, reply: Reply) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(reply);
        waiting.len() == 1
    }
}

/// A list of numbers, status, headers and body of each in turn.
impl ToNapiValue for Waiting {
    unsafe fn to_napi_value(env: sys::napi_env, Self(waiting): Self) -> Result<sys::napi_value> {
        let replies = mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut list = std::ptr::null_mut();
        // SAFETY: the environment is that of this call.
        check_status!(unsafe { sys::napi_create_array_with_length(env, replies.len() * 4, &raw mut list) })?;
        let mut place = 0;
        for Reply { number, status, headers, body } in replies {
            // SAFETY: as above.
            let values = unsafe {
                [
                    u32::to_napi_value(env, number)?,
                    u32::to_napi_value(env, status)?,
                    letters(env, &headers)?,
                    letters(env, &body)?,
                ]
            };
            for value in values {
                // SAFETY: as above.
                check_status!(unsafe { sys::napi_set_element(env, list, place, value) })?;
                place += 1;
            }
        }
        Ok(list)
    }
}

/// Bytes as letters in JavaScript: Node writes a head and such a body in one go.
unsafe fn letters(env: sys::napi_env, bytes: &[u8]) -> Result<sys::napi_value> {
    let mut letters = std::ptr::null_mut();
    let length = isize::try_from(bytes.len()).map_err(|_| failure("an answer is too long".to_owned()))?;
    // SAFETY: the bytes are copied while they live.
    let status = unsafe { sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), length, &raw mut letters) };
    check_status!(status, "no room for an answer")?;
    Ok(letters)
}

/// A started server. It is let go of with this object.
#[napi]
pub struct Server {
    functions: &'static Functions,
    embedded: *const Embedded,
    facts: String,
    tell: Arc<Told>,
}

// SAFETY: the library's functions may be called from any thread.
unsafe impl Send for Server {}

/// Loads the shared library from a path. Once is enough.
#[napi]
pub fn load(path: String) -> Result<()> {
    library::load(&path).map_err(failure)
}

/// Starts a server with settings as JSON: a promise of it, or of a problem as JSON. `tell` is called with the number of a request,
/// and status, headers (a line each) and body of the answer, bytes as letters. `send` is called with a number and a letter as
/// JSON, and is answered by `Server.sent`.
#[napi]
pub fn start<'env>(
    env: &'env Env,
    settings: String,
    tell: Function<'env, Replies, ()>,
    send: Option<Function<'env, Letter, ()>>,
) -> Result<Object<'env>> {
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
    let tell: Tell = tell.build_threadsafe_function().weak::<true>().build()?;
    let (deferred, promise) = env.create_deferred::<Either<Server, String>, Settle<_>>()?;
    let starting = Starting { deferred, tell: Arc::new(Told { tell, waiting: Waiting::default() }) };
    (functions.start)(Slice::of(settings.as_bytes()), send, letters, started, context(starting));
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

    /// Answers a request, under the number that the answer is told with. `headers` are lines.
    #[napi]
    pub fn answer(
        &self,
        number: u32,
        method: String,
        target: String,
        headers: BufferSlice,
        body: Option<BufferSlice>,
        peer: Option<String>,
    ) {
        let request = Request {
            method: Slice::of(method.as_bytes()),
            target: Slice::of(target.as_bytes()),
            headers: Slice::of(&headers),
            body: Slice::of(body.as_deref().unwrap_or_default()),
            peer: Slice::of(peer.as_deref().unwrap_or_default().as_bytes()),
        };
        (self.functions.answer)(self.embedded, &request, replied, context(Asked { number, tell: self.tell.clone() }));
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

/// Where answers go.
struct Told {
    tell: Tell,
    waiting: Waiting,
}

/// A server that starts.
struct Starting {
    deferred: Deferred<Either<Server, String>>,
    tell: Arc<Told>,
}

/// A request that is under way.
struct Asked {
    number: u32,
    tell: Arc<Told>,
}

/// What is on its way through the library: a promise, as a rule.
fn context<T>(waiting: T) -> *mut c_void {
    Box::into_raw(Box::new(waiting)).cast()
}

/// Keeps a promise. If JavaScript has ended meanwhile there is nobody to keep it to.
fn settle<T: ToNapiValue + Send + 'static>(context: *mut c_void, value: T) {
    // SAFETY: it comes from `context` with this type, and the library hands it back once.
    let deferred = unsafe { Box::from_raw(context.cast::<Deferred<T>>()) };
    deferred.resolve(Box::new(move |_| Ok(value)));
}

extern "C" fn started(context: *mut c_void, embedded: *const Embedded, told: Slice) {
    // SAFETY: it comes from `context` with this type, and the library hands it back once.
    let Starting { deferred, tell } = *unsafe { Box::from_raw(context.cast::<Starting>()) };
    let started = match library::functions() {
        Some(functions) if !embedded.is_null() => Either::A(Server { functions, embedded, facts: told.text(), tell }),
        _ => Either::B(told.text()),
    };
    deferred.resolve(Box::new(move |_| Ok(started)));
}

extern "C" fn told(context: *mut c_void, is_good: bool, told: Slice) {
    let text = told.text();
    settle(context, if is_good { vec![Some(text), None] } else { vec![None, Some(text)] });
}

extern "C" fn replied(context: *mut c_void, status: u16, headers: Slice, body: Slice) {
    // SAFETY: as in `started`.
    let asked = unsafe { Box::from_raw(context.cast::<Asked>()) };
    let reply = Reply { number: asked.number, status: status.into(), headers: headers.bytes(), body: body.bytes() };
    if asked.tell.waiting.add(reply) {
        // If JavaScript has ended meanwhile there is nobody to tell.
        let _ = asked.tell.tell.call((asked.tell.waiting.clone(),).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

extern "C" fn hand(context: *mut c_void, number: u32, letter: Slice) {
    // SAFETY: it was made in `start` and lives as long as the process.
    let send = unsafe { &*context.cast_const().cast::<SendLetter>() };
    // One that cannot be called says nothing, and the letter waits.
    let _ = send.call((number, letter.text()).into(), ThreadsafeFunctionCallMode::NonBlocking);
}
