//! The background task that sends what waits.
//!
//! It owns no letter: all there is to know lies in the folder, and the schedule only says when to look at what. One
//! courier works on a folder at a time, whichever process it is in; the others wait for its place.
//!
//! A letter is removed right after the server has taken it. Between the two there is a moment: who pulls the plug then
//! gets the letter sent twice, with the same message id. The other order would lose letters.

use super::{
    message::{Outgoing, Sender},
    project::{Project, Settings},
    schedule::{Outcome, Schedule, Turn},
    spool::{Id, Lead, Spool, Waiting},
    templates::Templates,
    transport::Transport,
};
use crate::capability::clock::Clock;
use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

/// How often the folder is looked at for letters that other processes or people have put there.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long letters under way may take to arrive when the process ends. What does not is sent at the next start.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// What sending needs.
pub(super) struct Desk {
    pub(super) spool: Arc<Spool>,
    pub(super) templates: Arc<Templates>,
    pub(super) settings: Arc<dyn Settings>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) sender: Sender,
    pub(super) public_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retry_after: Duration,
    pub(super) give_up_after: Duration,
    /// Is the way out tried first?
    pub(super) verify: bool,
}

/// How a try ended, and whether it was the last.
struct Tried {
    id: Id,
    outcome: Outcome,
    /// The reason to put the letter aside.
    aside: Option<String>,
}

/// Sends until `stop` says so or is gone. `letters` tells of new ones.
pub(super) async fn work(desk: Arc<Desk>, mut letters: mpsc::UnboundedReceiver<Id>, mut stop: watch::Receiver<bool>) {
    let _lead = tokio::select! {
        lead = lead(&desk.spool, &mut letters) => lead,
        () = told(&mut stop) => return,
    };
    if desk.verify {
        tokio::select! {
            checked = desk.transport.check() => if let Err(error) = checked {
                tracing::warn!(error, "letters cannot be sent");
            },
            () = told(&mut stop) => return,
        }
    }
    let started = Instant::now();
    let mut schedule = Schedule::new(desk.retry_after);
    let mut under_way = JoinSet::new();
    let mut look_at = started;
    loop {
        if Instant::now() >= look_at {
            look(&desk, &mut schedule).await;
            look_at = Instant::now() + LOOK_EVERY;
        }
        while let Some(id) = schedule.take(started.elapsed()) {
            let desk = desk.clone();
            under_way.spawn(async move { desk.try_letter(id).await });
        }
        let wait = schedule.wait(started.elapsed()).unwrap_or(LOOK_EVERY);
        let wake = look_at.min(Instant::now() + wait.min(LOOK_EVERY));
        tokio::select! {
            () = told(&mut stop) => break,
            Some(id) = letters.recv() => schedule.add(id),
            Some(tried) = under_way.join_next() => if let Ok(tried) = tried {
                settle(&desk, &mut schedule, tried, started.elapsed()).await;
            },
            () = tokio::time::sleep_until(wake) => {}
        }
    }
    let finish = async {
        while let Some(tried) = under_way.join_next().await {
            if let Ok(tried) = tried {
                settle(&desk, &mut schedule, tried, started.elapsed()).await;
            }
        }
    };
    let _ = tokio::time::timeout(CLOSE_PATIENCE, finish).await;
}

/// Waits until it is time to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: that says it, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits until this process may send. Until then the letters of this process are somebody else's to send.
async fn lead(spool: &Arc<Spool>, letters: &mut mpsc::UnboundedReceiver<Id>) -> Lead {
    loop {
        let tried = on_disk(spool, |spool| {
            let lead = spool.lead()?;
            if lead.is_some() {
                spool.sweep(SystemTime::now())?;
            }
            Ok(lead)
        });
        match tried.await {
            Ok(Some(lead)) => return lead,
            Ok(None) => tracing::debug!("another process sends the letters"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the folder of letters is broken"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
        while letters.try_recv().is_ok() {}
    }
}

async fn look(desk: &Desk, schedule: &mut Schedule) {
    match on_disk(&desk.spool, Spool::list).await {
        Ok(found) => schedule.look(found),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "waiting letters cannot be listed"),
    }
}

/// Takes note of a try, in the schedule, in the folder and in the log.
async fn settle(desk: &Desk, schedule: &mut Schedule, tried: Tried, now: Duration) {
    let Tried { id, outcome, aside } = tried;
    let letter = id.as_str();
    match (schedule.settle(&id, &outcome, now), &outcome) {
        (Turn::Lost, Outcome::Away(reason)) => tracing::warn!(reason, "letters cannot be sent now; they wait"),
        (Turn::Found, Outcome::Sent) => tracing::info!("letters are sent again"),
        _ => {}
    }
    if let Outcome::Later(reason) = &outcome {
        tracing::info!(letter, reason, "a letter is not taken now; it waits");
    }
    let owned = id.clone();
    let done = if let Some(reason) = aside {
        schedule.forget(&id);
        tracing::warn!(letter, reason, "a letter was not sent and is put aside");
        on_disk(&desk.spool, move |spool| spool.fail(&owned, &reason)).await
    } else if outcome == Outcome::Sent {
        tracing::debug!(letter, "a letter was sent");
        on_disk(&desk.spool, move |spool| spool.remove(&owned)).await
    } else {
        return;
    };
    if let Err(error) = done {
        tracing::error!(letter, error = &error as &dyn std::error::Error, "a letter that is done with cannot be moved");
        schedule.bury(id);
    }
}

impl Desk {
    /// Tries to send one letter.
    async fn try_letter(&self, id: Id) -> Tried {
        let owned = id.clone();
        let waiting = match on_disk(&self.spool, move |spool| spool.read(&owned)).await {
            Ok(Some(waiting)) => waiting,
            // Somebody has taken it away: there is nothing to send and nothing to move.
            Ok(None) => return Tried { id, outcome: Outcome::Refused(String::new()), aside: None },
            Err(error) => {
                let reason = format!("the file cannot be read: {error}");
                return Tried { id, outcome: Outcome::Refused(reason.clone()), aside: Some(reason) };
            }
        };
        let taken_at = Duration::from_millis(waiting.taken_at_ms);
        let outcome = match self.write(&id, waiting).await {
            Ok(outgoing) => self.transport.send(&outgoing).await,
            Err(outcome) => outcome,
        };
        let age = self.clock.now().saturating_sub(taken_at);
        let aside = match &outcome {
            Outcome::Sent => None,
            Outcome::Refused(reason) => Some(reason.clone()),
            Outcome::Later(reason) | Outcome::Away(reason) => {
                (age >= self.give_up_after).then(|| format!("not sent in {} s: {reason}", age.as_secs()))
            }
        };
        Tried { id, outcome, aside }
    }

    /// Makes the letter out of what waits.
    async fn write(&self, id: &Id, waiting: Waiting) -> Result<Outgoing, Outcome> {
        let settings = self.settings.settings().await;
        let settings = settings.map_err(|error| Outcome::Later(error.to_string()))?;
        let project = Project::new(&settings, &self.public_url);
        let (templates, sender, id) = (self.templates.clone(), self.sender.clone(), id.as_str().to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let written = templates.write(&waiting, &project)?;
            let taken_at = Duration::from_millis(waiting.taken_at_ms);
            sender.message(&id, taken_at, &waiting.recipient, &project.name, &written)
        });
        let written = written.await.unwrap_or_else(|_| Err("writing it failed".to_owned()));
        written.map_err(Outcome::Refused)
    }
}

/// Does something with the folder, on a thread that may wait for the disk.
pub(super) async fn on_disk<T: Send + 'static>(
    spool: &Arc<Spool>,
    act: impl FnOnce(&Spool) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let spool = spool.clone();
    tokio::task::spawn_blocking(move || act(&spool)).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
