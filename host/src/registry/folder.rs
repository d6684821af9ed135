//! Notices what changes in the components folder, and takes it: a changed file serves without a restart.
//!
//! A file is taken when it has stayed the same for a moment, so that one that is still being written is left alone. One that
//! cannot be used is told in the log and changes nothing. Going back puts the file of before in its place again, so that the
//! folder always says what is served.

use super::{
    Refused, Registry, State,
    generation::{Generation, Origin},
    sources,
};
use notify::{RecursiveMode, Watcher};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};
use tokio::sync::mpsc::{Receiver, channel};

/// How long a folder has to be quiet before it is looked at.
const QUIET: Duration = Duration::from_millis(20);

/// What a file is called that was given up.
const REJECTED: &str = "wasm.rejected";

/// A file as it was seen: its size and the time of its last change, and the same of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Seen {
    pub(super) fn of(path: &Path) -> Self {
        let seen = |path: PathBuf| {
            let found = std::fs::metadata(&path).ok()?;
            Some((path, found.len(), found.modified().ok()))
        };
        Self(
            [path.to_owned(), path.with_extension(sources::SIGNATURE_EXTENSION)].into_iter().filter_map(seen).collect(),
        )
    }
}

/// Tells of changes in a folder; the watcher lives as long as the receiver is wanted.
pub(super) fn changes(folder: &Path) -> notify::Result<(impl Watcher + use<>, Receiver<()>)> {
    // One message is as good as many: whoever hears it looks at everything.
    let (sender, heard) = channel(1);
    let tell = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell)?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok((watcher, heard))
}

impl Registry {
    /// Watches the folder for as long as there is a server.
    pub(super) async fn watch(this: Weak<Self>, folder: PathBuf) {
        let made = std::fs::create_dir_all(&folder).map_err(notify::Error::io);
        let (_watcher, mut heard) = match made.and_then(|()| changes(&folder)) {
            Ok(watched) => watched,
            Err(error) => {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "the components folder is not watched; SIGHUP has it looked at");
                return;
            }
        };
        while heard.recv().await.is_some() {
            while tokio::time::timeout(QUIET, heard.recv()).await.is_ok_and(|more| more.is_some()) {}
            let Some(registry) = this.upgrade() else { return };
            registry.look_at_folder().await;
        }
    }

    /// Takes what has changed in the folder.
    pub(crate) async fn look_at_folder(&self) {
        let files = match sources::files(&self.folder) {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the components folder cannot be read");
                return;
            }
        };
        for (name, path) in &files {
            let seen = Seen::of(path);
            if self.state.lock().await.files.insert(name.clone(), seen.clone()) == Some(seen) {
                continue;
            }
            match self.take_file(name, path).await {
                Ok(true) => self.note("component.file", name, "done").await,
                Ok(false) => {}
                Err(refused) => refuse(&mut *self.state.lock().await, name, &refused),
            }
        }
        let mut state = self.state.lock().await;
        let gone: Vec<_> = state.files.keys().filter(|name| !files.contains_key(*name)).cloned().collect();
        for name in gone {
            state.files.remove(&name);
            match self.lose_file(&mut state, &name).await {
                Ok(()) => self.note("component.file-gone", &name, "done").await,
                Err(refused) => refuse(&mut state, &name, &refused),
            }
        }
    }

    /// Whether the file is one that was not served yet.
    async fn take_file(&self, name: &str, path: &Path) -> Result<bool, Refused> {
        let source = self.loader.read(path).await?;
        if self.state.lock().await.slot(name).serves(source.digest, &source.origin) {
            return Ok(false);
        }
        // Compiling may take long, and other changes need not wait for it.
        let generation = Arc::new(self.loader.load(name, &source).await?);
        self.self_check(&generation).await?;
        let mut state = self.state.lock().await;
        let slot = state.slot(name);
        let difference = state.difference(name, &generation);
        if !difference.added.is_empty() {
            let (added, removed) = (difference.added.join(", "), difference.removed.join(", "));
            tracing::warn!(component = name, added, removed, "a component may use more than the one before");
        }
        let after = slot.with(generation.clone());
        let prepared = self.prepare(&state, name, &after)?;
        self.keep_source(name, &source);
        self.publish(&mut state, name, after, prepared);
        Ok(true)
    }

    /// A file is gone: what the database has serves, or what is in the binary.
    async fn lose_file(&self, state: &mut State, name: &str) -> Result<(), Refused> {
        let slot = state.slot(name);
        if !matches!(slot.current.as_ref().map(|current| &current.origin), Some(Origin::File(_))) {
            return Ok(());
        }
        let stored = if self.takes_uploads { self.services().store.components().await? } else { Vec::new() };
        let before = state.slots.remove(name);
        let placed = self.place_stored(state, name, &stored).await;
        let after = match placed {
            Ok(true) => state.slot(name),
            Ok(false) => match self.below(state, name, &slot).await {
                Ok(after) => after,
                Err(refused) => return Err(self.keep(state, name, before, refused)),
            },
            Err(refused) => return Err(self.keep(state, name, before, refused)),
        };
        match self.prepare(state, name, &after) {
            Ok(prepared) => {
                self.publish(state, name, after, prepared);
                Ok(())
            }
            Err(refused) => Err(self.keep(state, name, before, refused)),
        }
    }

    #[expect(clippy::unused_self, reason = "one of the steps of a change")]
    fn keep(&self, state: &mut State, name: &str, before: Option<super::Slot>, refused: Refused) -> Refused {
        if let Some(slot) = before {
            state.slots.insert(name.to_owned(), slot);
        }
        refused
    }

    /// Puts the file of before in its place; the one that served is kept beside it under another name.
    pub(super) fn folder_rolls_back(&self, state: &mut State, path: &Path, before: &Generation) -> Result<(), Refused> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Refused::Folder { path, source }
        };
        let rejected = path.with_extension(REJECTED);
        std::fs::rename(path, &rejected).map_err(failed(&rejected))?;
        // A signature of the file that is gone would be wrong for the next one.
        let signature = path.with_extension(sources::SIGNATURE_EXTENSION);
        let _ = std::fs::rename(&signature, path.with_extension("wasm.minisig.rejected"));
        if let Origin::File(_) = before.origin {
            let kept = self.loader.cache.source(&before.digest.to_string());
            let (wasm, signature_before) = kept.map_err(failed(path))?;
            if let Some(text) = signature_before {
                std::fs::write(&signature, text).map_err(failed(&signature))?;
            }
            let draft = path.with_extension("wasm.new");
            std::fs::write(&draft, wasm).map_err(failed(&draft))?;
            std::fs::rename(&draft, path).map_err(failed(path))?;
            state.files.insert(before.name.to_string(), Seen::of(path));
        } else {
            state.files.remove(before.name.as_ref());
        }
        Ok(())
    }
}

/// What is in the folder is not used; what was served before goes on.
fn refuse(state: &mut State, name: &str, refused: &Refused) {
    tracing::error!(
        component = name,
        error = refused as &dyn std::error::Error,
        "a component of the folder is not used; what was served before goes on"
    );
    state.refusals.insert(name.to_owned(), refused.to_string());
}
