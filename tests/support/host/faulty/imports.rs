//! The imports that are ours, and the clock and the randomness. Each says at its beginning whether it is wrong.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use gatewit_host::keys::PublicKey;
use wasmtime::component::Resource;

/// Everything that a driver may import but HTTP.
pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package gatewit:tests;
            world faulty {
                import gatewit:cache/cache@0.1.0;
                import gatewit:config/settings@0.1.0;
                import gatewit:keys/signing@0.1.0;
                import gatewit:log/log@0.1.0;
                import gatewit:passwords/accounts@0.1.0;
                import gatewit:streams/streams@0.1.0;
                import wasi:clocks/wall-clock@0.2.12;
                import wasi:random/random@0.2.12;
            }
        ",
        world: "gatewit:tests/faulty",
        imports: { default: trappable },
    });
}

use super::{Conduct, Connection, Import, World, fault};
use bindings::gatewit::cache::cache;
use bindings::gatewit::config::settings;
use bindings::gatewit::keys::signing;
use bindings::gatewit::log::log;
use bindings::gatewit::passwords::{accounts, types as passwords};
use bindings::gatewit::streams::streams::{self, Error};
use bindings::wasi::clocks::wall_clock;
use bindings::wasi::random::random;

/// How long a directory of this machine is waited for. What was swallowed never comes.
const PATIENCE: Duration = Duration::from_millis(150);

impl settings::Host for World {
    /// A lie is another value, of what is set at all.
    fn get(&mut self, name: String) -> wasmtime::Result<Option<settings::Value>> {
        let Some(value) = self.settings.get(&name).cloned() else { return Ok(None) };
        if self.sound.contains(&name.as_str()) {
            return Ok(Some(settings::Value::Text(value)));
        }
        Ok(match self.conduct(Import::Settings) {
            Some(Conduct::Fail) => None,
            Some(Conduct::Lie) => Some(settings::Value::Text(format!("{value}-lie"))),
            // Of another kind than the driver declared.
            Some(Conduct::OtherLie) => Some(settings::Value::List(vec!["lie".to_owned()])),
            _ => Some(settings::Value::Text(value)),
        })
    }
}

impl cache::Host for World {
    /// A lie is somebody else's value, or one that is as old as can be.
    fn get(&mut self, key: String) -> wasmtime::Result<Option<cache::Entry>> {
        let conduct = self.conduct(Import::CacheGet);
        let now = self.now;
        let kept = self.cache.get(&key).map(|(value, put_at)| cache::Entry {
            value: value.clone(),
            age_seconds: u32::try_from(now.saturating_sub(*put_at)).unwrap_or(u32::MAX),
        });
        Ok(match conduct {
            Some(Conduct::Fail) => None,
            Some(Conduct::Lie) => {
                let keys = format!("{{\"keys\":[{}]}}", self.stranger);
                kept.map(|entry| cache::Entry { value: keys, ..entry })
            }
            Some(Conduct::OtherLie) => kept.map(|entry| cache::Entry { age_seconds: u32::MAX, ..entry }),
            _ => kept,
        })
    }

    /// A lie keeps something else, or under another key.
    fn put(&mut self, key: String, value: String, _: u32) -> wasmtime::Result<()> {
        let now = self.now;
        match self.conduct(Import::CachePut) {
            Some(Conduct::Fail) => None,
            Some(Conduct::Lie) => self.cache.insert(key, ("lie".to_owned(), now)),
            Some(Conduct::OtherLie) => self.cache.insert(format!("{key} lie"), (value, now)),
            _ => self.cache.insert(key, (value, now)),
        };
        Ok(())
    }
}

impl log::Host for World {
    fn write(&mut self, _: log::Level, _: String, _: Vec<log::Field>) -> wasmtime::Result<()> {
        self.conduct(Import::Log);
        Ok(())
    }
}

impl wall_clock::Host for World {
    /// A lie is ten years off, this way or that way.
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let seconds = match self.conduct(Import::Clock) {
            Some(Conduct::Fail) => wasmtime::bail!("there is no clock"),
            Some(Conduct::Lie) => self.now + fault::TEN_YEARS,
            Some(Conduct::OtherLie) => self.now - fault::TEN_YEARS,
            _ => self.now,
        };
        Ok(wall_clock::Datetime { seconds, nanoseconds: 0 })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 1, nanoseconds: 0 })
    }
}

impl World {
    /// A lie is always the same, or too little.
    fn bytes(&mut self, count: usize) -> wasmtime::Result<Vec<u8>> {
        self.drawn += 1;
        Ok(match self.conduct(Import::Random) {
            Some(Conduct::Fail) => wasmtime::bail!("there is no randomness"),
            Some(Conduct::Lie) => vec![0; count],
            Some(Conduct::OtherLie) => Vec::new(),
            _ => vec![self.drawn; count],
        })
    }
}

impl random::Host for World {
    fn get_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(usize::try_from(count)?)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.bytes(1)?.first().copied().unwrap_or_default().into())
    }
}

impl passwords::Host for World {}

impl accounts::Host for World {
    /// A lie says no to what is right.
    fn verify(
        &mut self,
        email: String,
        password: String,
    ) -> wasmtime::Result<Result<passwords::Verdict, passwords::Error>> {
        let is_right = self.account == Some((email, password));
        Ok(match self.conduct(Import::Password) {
            Some(Conduct::Fail) => Err(passwords::Error::Unavailable),
            Some(Conduct::OtherLie) => Err(passwords::Error::Overloaded(1)),
            Some(Conduct::Lie) => Ok(passwords::Verdict::Mismatch),
            _ if is_right => Ok(passwords::Verdict::Match),
            _ => Ok(passwords::Verdict::Mismatch),
        })
    }
}

impl signing::Host for World {
    /// No key of ours can be opened.
    fn open(&mut self, _: String) -> wasmtime::Result<Result<Resource<signing::Key>, signing::Error>> {
        Ok(Err(signing::Error::Denied))
    }

    /// A lie hands out somebody else's key, or denies a good one.
    fn import(
        &mut self,
        jwk: String,
        algorithm: String,
    ) -> wasmtime::Result<Result<Resource<signing::Key>, signing::Error>> {
        let jwk = match self.conduct(Import::KeyImport) {
            Some(Conduct::Fail) => return Ok(Err(signing::Error::Unavailable)),
            Some(Conduct::OtherLie) => return Ok(Err(signing::Error::Denied)),
            Some(Conduct::Lie) => self.stranger.clone(),
            _ => jwk,
        };
        let Ok(key) = PublicKey::from_jwk(&jwk, &algorithm) else { return Ok(Err(signing::Error::Denied)) };
        self.keys.push(Arc::new(key));
        Ok(Ok(Resource::new_own(u32::try_from(self.keys.len() - 1)?)))
    }
}

impl signing::HostKey for World {
    fn algorithm(&mut self, key: Resource<signing::Key>) -> wasmtime::Result<String> {
        Ok(self.key(&key)?.algorithm().to_owned())
    }

    fn id(&mut self, key: Resource<signing::Key>) -> wasmtime::Result<Option<String>> {
        Ok(self.key(&key)?.id().map(ToOwned::to_owned))
    }

    fn sign(&mut self, _: Resource<signing::Key>, _: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, signing::Error>> {
        Ok(Err(signing::Error::Denied))
    }

    /// A lie says no to what is right, or yes to everything.
    fn verify(
        &mut self,
        key: Resource<signing::Key>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, signing::Error>> {
        let is_right = self.key(&key)?.verify(&message, &signature);
        Ok(match self.conduct(Import::KeyVerify) {
            Some(Conduct::Fail) => Err(signing::Error::Unavailable),
            Some(Conduct::Lie) => Ok(false),
            Some(Conduct::OtherLie) => Ok(true),
            _ => Ok(is_right),
        })
    }

    fn drop(&mut self, _: Resource<signing::Key>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl World {
    fn key(&self, handle: &Resource<signing::Key>) -> wasmtime::Result<Arc<PublicKey>> {
        let key = self.keys.get(usize::try_from(handle.rep())?).cloned();
        key.ok_or_else(|| wasmtime::Error::msg("no such key"))
    }

    fn connection(&self, handle: &Resource<streams::Connection>) -> wasmtime::Result<&Connection> {
        let connection = self.connections.get(usize::try_from(handle.rep())?);
        connection.ok_or_else(|| wasmtime::Error::msg("no such connection"))
    }
}

/// What stands in the place of what is right.
fn broken(conduct: Conduct) -> Error {
    match conduct {
        Conduct::Delay => Error::Overdue,
        Conduct::OtherLie => Error::Untrusted("another server".to_owned()),
        _ => Error::Unreachable("connection refused".to_owned()),
    }
}

impl streams::Host for World {
    /// A lie denies the place, or finds somebody else there.
    fn connect(
        &mut self,
        _: String,
        _: u16,
        _: bool,
    ) -> wasmtime::Result<Result<Resource<streams::Connection>, Error>> {
        match self.conduct(Import::Connect) {
            Some(Conduct::Lie) => return Ok(Err(Error::Denied)),
            Some(conduct) => return Ok(Err(broken(conduct))),
            None => {}
        }
        let stream = TcpStream::connect(("127.0.0.1", self.directory))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        self.connections.push(Connection(Arc::new(stream)));
        Ok(Ok(Resource::new_own(u32::try_from(self.connections.len() - 1)?)))
    }

    fn connect_to_socket(&mut self, _: String) -> wasmtime::Result<Result<Resource<streams::Connection>, Error>> {
        Ok(Err(Error::Denied))
    }
}

impl streams::HostConnection for World {
    /// A lie swallows what was sent, or sends half of it.
    fn send(
        &mut self,
        connection: Resource<streams::Connection>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let sent = match self.conduct(Import::Send) {
            Some(Conduct::Lie) => return Ok(Ok(())),
            Some(Conduct::OtherLie) => bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec(),
            Some(conduct) => return Ok(Err(broken(conduct))),
            None => bytes,
        };
        let connection = self.connection(&connection)?;
        Ok(connection.0.as_ref().write_all(&sent).map_err(|_| Error::Overdue))
    }

    /// A lie is that all went well, of a question that was not asked; or that there is nothing more.
    fn receive(
        &mut self,
        connection: Resource<streams::Connection>,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        // The answer `success` (RFC 4511, section 4.2.2) to message 99.
        const STRAY: [u8; 14] = [0x30, 12, 2, 1, 99, 0x61, 7, 10, 1, 0, 4, 0, 4, 0];
        match self.conduct(Import::Receive) {
            Some(Conduct::Lie) => return Ok(Ok(STRAY.to_vec())),
            Some(Conduct::OtherLie) => return Ok(Ok(Vec::new())),
            Some(conduct) => return Ok(Err(broken(conduct))),
            None => {}
        }
        let connection = self.connection(&connection)?;
        let mut bytes = vec![0; usize::try_from(most)?.min(1 << 16)];
        Ok(connection.0.as_ref().read(&mut bytes).map_err(|_| Error::Overdue).map(|count| {
            bytes.truncate(count);
            bytes
        }))
    }

    fn secure(&mut self, _: Resource<streams::Connection>) -> wasmtime::Result<Result<(), Error>> {
        Ok(Err(Error::Untrusted("there is no TLS here".to_owned())))
    }

    fn drop(&mut self, _: Resource<streams::Connection>) -> wasmtime::Result<()> {
        Ok(())
    }
}
