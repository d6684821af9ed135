//! What Python sees: a class whose methods are given a function to call at their end.

use crate::replies::{Replies, Reply, Waiting};
use gatewit_library::{self as library, Embedded, Functions, Request, Slice};
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyBytes, PyTuple},
};
use std::ffi::c_void;

/// A started server. It is let go of with this object.
#[pyclass(frozen)]
pub struct Server {
    functions: &'static Functions,
    embedded: *const Embedded,
}

// SAFETY: the library's functions may be called from any thread.
unsafe impl Send for Server {}
// SAFETY: as above.
unsafe impl Sync for Server {}

/// The module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Server>()?;
    module.add_class::<Replies>()?;
    module.add_function(wrap_pyfunction!(load, module)?)?;
    module.add_function(wrap_pyfunction!(start, module)?)
}

/// Loads the shared library from a path. Once is enough.
#[pyfunction]
fn load(path: &str) -> PyResult<()> {
    library::load(path).map_err(PyRuntimeError::new_err)
}

/// Starts a server with settings as JSON. `done` is called with it and its facts as JSON, or with `None` and a problem. `send` is
/// called with a number and a letter as JSON, and is answered by `Server.sent`.
#[pyfunction]
fn start(settings: &str, send: Option<Py<PyAny>>, done: Py<PyAny>) -> PyResult<()> {
    let functions = library::functions().ok_or_else(|| PyRuntimeError::new_err("the library is not loaded"))?;
    // For as long as the process: a server may have a letter to send until its end.
    let letters = send.map_or(std::ptr::null_mut(), context);
    let send = (!letters.is_null()).then_some(hand as library::Send);
    (functions.start)(Slice::of(settings.as_bytes()), send, letters, started, context(done));
    Ok(())
}

#[pymethods]
impl Server {
    /// Whether a route of the server has this method and path.
    fn owns(&self, method: &str, path: &str) -> bool {
        (self.functions.owns)(self.embedded, Slice::of(method.as_bytes()), Slice::of(path.as_bytes()))
    }

    /// Answers a request; the answer comes with `future` among those of `replies`.
    #[expect(clippy::too_many_arguments, reason = "what a request is made of, one by one")]
    fn answer(
        &self,
        method: &str,
        target: &str,
        headers: &Bound<'_, PyAny>,
        body: &[u8],
        peer: &str,
        replies: &Replies,
        future: Py<PyAny>,
    ) -> PyResult<()> {
        let lines = lines(headers)?;
        let request = Request {
            method: Slice::of(method.as_bytes()),
            target: Slice::of(target.as_bytes()),
            headers: Slice::of(&lines),
            body: Slice::of(body),
            peer: Slice::of(peer.as_bytes()),
        };
        let waiting = Box::into_raw(Box::new(replies.wait(future)));
        (self.functions.answer)(self.embedded, &request, replied, waiting.cast());
        Ok(())
    }

    /// A typed call; `done` is called with whether it was answered, and the answer or a problem as JSON.
    fn call(&self, operation: &str, arguments: &str, done: Py<PyAny>) {
        let (operation, arguments) = (Slice::of(operation.as_bytes()), Slice::of(arguments.as_bytes()));
        (self.functions.call)(self.embedded, operation, arguments, told, context(done));
    }

    /// What became of a letter: why it was not sent, or nothing if it was.
    fn sent(&self, number: u32, failure: &str) {
        (self.functions.sent)(self.embedded, number, Slice::of(failure.as_bytes()));
    }

    /// Closes the server; `done` is called as for `call`.
    fn close(&self, done: Py<PyAny>) {
        (self.functions.close)(self.embedded, told, context(done));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        (self.functions.free)(self.embedded);
    }
}

/// Headers as ASGI has them, pairs of bytes, as lines. That a body came in chunks is over.
fn lines(headers: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut lines = Vec::new();
    for pair in headers.try_iter()? {
        let pair = pair?;
        let (name, value) = (pair.get_item(0)?, pair.get_item(1)?);
        let (name, value) = (name.cast::<PyBytes>()?.as_bytes(), value.cast::<PyBytes>()?.as_bytes());
        if name != b"transfer-encoding" {
            lines.extend([name, b":", value, b"\n"].concat());
        }
    }
    Ok(lines)
}

/// A function on its way through the library.
fn context(function: Py<PyAny>) -> *mut c_void {
    Box::into_raw(Box::new(function)).cast()
}

/// Calls a function that comes back from the library, once. If the interpreter has ended there is nobody to tell.
fn tell<'a>(context: *mut c_void, arguments: impl FnOnce(Python<'_>) -> PyResult<Bound<'_, PyTuple>> + 'a) {
    // SAFETY: it comes from `context`, and the library hands it back once.
    let function = unsafe { Box::from_raw(context.cast::<Py<PyAny>>()) };
    let called = Python::try_attach(|python| {
        let called = arguments(python).and_then(|arguments| function.bind(python).call1(arguments));
        if let Err(error) = called {
            error.write_unraisable(python, None);
        }
    });
    // Without an interpreter the reference is nobody's any more.
    if called.is_none() {
        std::mem::forget(function);
    }
}

extern "C" fn started(context: *mut c_void, embedded: *const Embedded, told: Slice) {
    let text = told.text();
    tell(context, move |python| {
        let server = match library::functions() {
            Some(functions) if !embedded.is_null() => Some(Py::new(python, Server { functions, embedded })?),
            _ => None,
        };
        (server, text).into_pyobject(python)
    });
}

extern "C" fn told(context: *mut c_void, is_good: bool, told: Slice) {
    let text = told.text();
    tell(context, move |python| (is_good, text).into_pyobject(python));
}

/// Without the lock of the interpreter, which somebody else may hold for long.
extern "C" fn replied(context: *mut c_void, status: u16, headers: Slice, body: Slice) {
    // SAFETY: it was made in `answer`, and the library hands it back once.
    let waiting = unsafe { Box::from_raw(context.cast::<Waiting>()) };
    waiting.end(Reply { status, headers: headers.bytes(), body: body.bytes() });
}

extern "C" fn hand(context: *mut c_void, number: u32, letter: Slice) {
    // SAFETY: it was made in `start` and lives as long as the process.
    let send = unsafe { &*context.cast_const().cast::<Py<PyAny>>() };
    let text = letter.text();
    // One that cannot be called says nothing, and the letter waits.
    let _ = Python::try_attach(|python| {
        if let Err(error) = send.bind(python).call1((number, text)) {
            error.write_unraisable(python, None);
        }
    });
}
