//! Answers on their way to an event loop.
//!
//! The server's threads put them here without the lock of the interpreter: each would wait for it until the program's own thread lets go,
//! and then the other way round. The event loop is woken for the first, and takes all that are there by then. Absent: futures, and
//! whoever waits for them.

#[cfg(not(unix))]
use pyo3::exceptions::PyNotImplementedError;
use pyo3::{prelude::*, types::PyBytes};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(unix)]
use std::{
    io::{Read as _, Write as _},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
};

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lines.
    pub(crate) headers: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// The answers of one event loop.
#[pyclass(frozen)]
pub struct Replies(Arc<Queue>);

struct Queue {
    come: Mutex<Vec<(Py<PyAny>, Reply)>>,
    bell: Bell,
}

/// What an event loop is woken by.
enum Bell {
    /// Bytes from one end to the other.
    #[cfg(unix)]
    Line { rung: UnixStream, heard: UnixStream },
    /// A function, which takes the lock of the interpreter.
    Function(Py<PyAny>),
}

/// Somebody who is to be told an answer.
pub(crate) struct Waiting {
    queue: Arc<Queue>,
    future: Py<PyAny>,
}

/// An answer as the event loop takes it: whose it is, its status, its headers as pairs, and its body.
type Taken<'a> = (Py<PyAny>, u16, Vec<(Bound<'a, PyBytes>, Bound<'a, PyBytes>)>, Bound<'a, PyBytes>);

#[pymethods]
impl Replies {
    /// With `wake`, that is called for the first of answers that have come; without, `fileno` can be read from then.
    #[new]
    #[pyo3(signature = (wake=None))]
    fn new(wake: Option<Py<PyAny>>) -> PyResult<Self> {
        let bell = wake.map_or_else(Bell::line, |wake| Ok(Bell::Function(wake)))?;
        Ok(Self(Arc::new(Queue { come: Mutex::default(), bell })))
    }

    /// What to wait for, where there is no function.
    fn fileno(&self) -> Option<i32> {
        self.0.bell.fileno()
    }

    /// The answers that have come.
    fn take<'a>(&self, python: Python<'a>) -> Vec<Taken<'a>> {
        // In this order: whoever comes after the second finds nobody there, and rings again.
        self.0.bell.silence();
        let come = std::mem::take(&mut *self.0.come());
        let shown = |(future, reply): (Py<PyAny>, Reply)| {
            let bytes = |bytes: &[u8]| PyBytes::new(python, bytes);
            let pair = |line: &[u8]| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let (name, value) = line.split_at_checked(colon)?;
                Some((bytes(name), bytes(value.get(1..)?)))
            };
            let headers = reply.headers.split(|byte| *byte == b'\n').filter_map(pair).collect();
            (future, reply.status, headers, bytes(&reply.body))
        };
        come.into_iter().map(shown).collect()
    }
}

impl Replies {
    /// Whose answer is to come.
    pub(crate) fn wait(&self, future: Py<PyAny>) -> Waiting {
        Waiting { queue: self.0.clone(), future }
    }
}

impl Waiting {
    /// Tells the answer.
    pub(crate) fn end(self, reply: Reply) {
        let mut come = self.queue.come();
        let is_first = come.is_empty();
        come.push((self.future, reply));
        drop(come);
        if is_first {
            self.queue.bell.ring();
        }
    }
}

impl Queue {
    fn come(&self) -> MutexGuard<'_, Vec<(Py<PyAny>, Reply)>> {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    #[cfg(unix)]
    fn line() -> PyResult<Self> {
        let (rung, heard) = UnixStream::pair()?;
        rung.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok(Self::Line { rung, heard })
    }

    #[cfg(not(unix))]
    fn line() -> PyResult<Self> {
        Err(PyNotImplementedError::new_err("event loops of this system wait for nothing but a function"))
    }

    fn fileno(&self) -> Option<i32> {
        match self {
            #[cfg(unix)]
            Self::Line { heard, .. } => Some(heard.as_raw_fd()),
            Self::Function(_) => None,
        }
    }

    /// A line that is full of bytes has been rung; a function that raises is told as one that nobody can catch.
    fn ring(&self) {
        match self {
            #[cfg(unix)]
            Self::Line { rung, .. } => drop((&*rung).write(&[1])),
            Self::Function(wake) => drop(Python::try_attach(|python| {
                if let Err(error) = wake.bind(python).call0() {
                    error.write_unraisable(python, None);
                }
            })),
        }
    }

    fn silence(&self) {
        match self {
            // More than one byte would be there only if this thread had not come for long.
            #[cfg(unix)]
            Self::Line { heard, .. } => drop((&*heard).read(&mut [0; 64])),
            Self::Function(_) => {}
        }
    }
}
