//! Hears from the server that a host changed what operators put in, so that nobody has to wait until they ask.
//!
//! A connection of its own, because a pool's are for questions. One that broke is made anew; what was missed meanwhile is found
//! by those who ask every now and then. Deliberately absent: what was changed.

use std::{
    future::{pending, poll_fn},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, task::AbortHandle};
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The channel; `sql/operation.rs` sends there.
const LISTEN: &str = "LISTEN gatewit";

/// How long to wait after a connection broke: a server that starts again takes as long.
const RETRY: Duration = Duration::from_secs(1);

/// Listens until it is dropped.
pub(super) struct Listener {
    changes: Arc<Notify>,
    task: AbortHandle,
}

impl Listener {
    pub(super) fn start(config: Config, tls: MakeRustlsConnect) -> Self {
        let changes = Arc::new(Notify::new());
        let heard = changes.clone();
        let listen = async move {
            loop {
                if let Ok((client, connection)) = config.connect(tls.clone()).await {
                    listen(client, connection, &heard).await;
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        Self { changes, task: tokio::spawn(listen).abort_handle() }
    }

    /// Told whenever something was changed.
    pub(super) fn changes(&self) -> Arc<Notify> {
        self.changes.clone()
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Passes on what is heard until the connection breaks.
async fn listen<S, T>(client: Client, mut connection: tokio_postgres::Connection<S, T>, changes: &Notify)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let ask = async {
        if client.batch_execute(LISTEN).await.is_ok() {
            // What was changed before is not heard, so whoever waits looks once.
            changes.notify_one();
            pending::<()>().await;
        }
    };
    let hear = async {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                changes.notify_one();
            }
        }
    };
    tokio::select! { () = ask => {}, () = hear => {} }
}
