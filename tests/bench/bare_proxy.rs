//! The least that a reverse proxy can be that has hyper on both sides: it hands requests and answers on as they come, each client's on a
//! connection of its own, and looks at nothing. What the server's proxy does on top of this is its own.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper::{body::Incoming, client, server};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::process::Served;

/// A proxy in this process, with as many threads as cores.
pub(crate) struct BareProxy {
    address: SocketAddr,
    _threads: Runtime,
}

impl BareProxy {
    pub(crate) fn start(application: SocketAddr) -> anyhow::Result<Self> {
        let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let listener = threads.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        threads.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, application));
            }
        });
        Ok(Self { address, _threads: threads })
    }
}

async fn serve(stream: TcpStream, application: SocketAddr) -> anyhow::Result<()> {
    let onward = TcpStream::connect(application).await?;
    stream.set_nodelay(true)?;
    onward.set_nodelay(true)?;
    let (sender, connection) = client::conn::http1::handshake::<_, Incoming>(TokioIo::new(onward)).await?;
    tokio::spawn(connection);
    let sender = Arc::new(Mutex::new(sender));
    let pass = service_fn(move |request| {
        let sender = sender.clone();
        async move {
            let mut sender = sender.lock().await;
            sender.ready().await?;
            sender.send_request(request).await
        }
    });
    Ok(server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await?)
}

impl Served for BareProxy {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn id(&self) -> u32 {
        std::process::id()
    }

    fn log(&self) -> String {
        String::new()
    }
}
