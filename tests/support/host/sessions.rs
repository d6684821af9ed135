//! Sessions of the world in memory.

use super::memory::Memory;
use super::memory::bindings::gatewit::storage::{sessions, types::Error, users};

impl sessions::Host for Memory {
    fn find(&mut self, token: String, now_ms: u64) -> Result<Option<sessions::Session>, Error> {
        let Some(found) = self.sessions.get(&token).filter(|found| found.expires_at_ms > now_ms).cloned() else {
            return Ok(None);
        };
        let user = match found.user {
            Some(id) => users::Host::find(self, id)?,
            None => None,
        };
        let sessions::NewSession { share, source, expires_at_ms, .. } = found;
        Ok(Some(sessions::Session { user, share, source, expires_at_ms, superseded: false, successor: None }))
    }

    fn begin(&mut self, session: sessions::NewSession, _: u64) -> Result<(), Error> {
        self.sessions.insert(session.token.clone(), session);
        Ok(())
    }

    fn rotate(&mut self, rotation: sessions::Rotation, _: u64) -> Result<sessions::Rotated, Error> {
        let Some(mut session) = self.sessions.remove(&rotation.token) else { return Ok(sessions::Rotated::Gone) };
        session.token.clone_from(&rotation.successor);
        session.expires_at_ms = rotation.expires_at_ms;
        self.sessions.insert(rotation.successor, session);
        Ok(sessions::Rotated::Done)
    }

    fn end(&mut self, token: String, _: sessions::Client, now_ms: u64) -> Result<bool, Error> {
        Ok(self.end_family(token, now_ms)? > 0)
    }

    fn end_by_source(
        &mut self,
        provider: String,
        identifier: Option<String>,
        session: Option<String>,
        _: u64,
    ) -> Result<u32, Error> {
        let before = self.sessions.len();
        let fits = |wanted: &Option<String>, has: Option<&String>| wanted.is_none() || wanted.as_ref() == has;
        self.sessions.retain(|_, known| {
            !known.source.as_ref().is_some_and(|source| {
                source.provider == provider
                    && fits(&identifier, Some(&source.identifier))
                    && fits(&session, source.session.as_ref())
            })
        });
        Ok(u32::try_from(before - self.sessions.len()).unwrap_or(u32::MAX))
    }

    fn parting_data(&mut self, token: String) -> Result<Option<String>, Error> {
        Ok(self.sessions.get(&token).and_then(|session| session.parting_data.clone()))
    }

    fn end_family(&mut self, token: String, _: u64) -> Result<u32, Error> {
        let family: String = token.chars().take(22).collect();
        let before = self.sessions.len();
        self.sessions.retain(|known, _| !known.starts_with(&family));
        Ok(u32::try_from(before - self.sessions.len()).unwrap_or(u32::MAX))
    }
    fn open_sessions(
        &mut self,
        user: Option<String>,
        limit: u32,
        now_ms: u64,
    ) -> Result<Vec<sessions::OpenSession>, Error> {
        let wanted = |session: &&sessions::NewSession| {
            session.expires_at_ms > now_ms && (user.is_none() || session.user == user)
        };
        let shown = |session: &sessions::NewSession| sessions::OpenSession {
            id: name(&session.token),
            user: session.user.clone(),
            share: session.share.clone(),
            provider: session.source.as_ref().map(|source| source.provider.clone()),
            expires_at_ms: session.expires_at_ms,
            client: session.client.clone(),
        };
        let mut found: Vec<_> = self.sessions.values().filter(wanted).map(shown).collect();
        found.sort_by_key(|session| std::cmp::Reverse(session.expires_at_ms));
        found.truncate(limit as usize);
        Ok(found)
    }

    fn family_id(&mut self, token: String) -> String {
        name(&token)
    }

    fn end_open(
        &mut self,
        user: Option<String>,
        id: Option<String>,
        keep: Option<String>,
        _: sessions::Client,
        _: u64,
    ) -> Result<u32, Error> {
        let before = self.sessions.len();
        let ends = |token: &str, session: &sessions::NewSession| {
            (user.is_some() || id.is_some())
                && (user.is_none() || session.user == user)
                && id.as_ref().is_none_or(|id| *id == name(token))
                && keep.as_ref().is_none_or(|keep| *keep != name(token))
        };
        self.sessions.retain(|token, session| !ends(token, session));
        Ok(u32::try_from(before - self.sessions.len()).unwrap_or(u32::MAX))
    }
}

/// The name of a token's family, which must not be a part of the token.
fn name(token: &str) -> String {
    token.chars().take(22).map(|letter| char::from_u32(u32::from(letter) + 1).unwrap_or('!')).collect()
}
