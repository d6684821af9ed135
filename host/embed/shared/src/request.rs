//! A request and its answer as plain parts, as every language has them.

use bytes::Bytes;
use gatewit_host::{Body, Service};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use std::net::{IpAddr, SocketAddr};
use tower_service::Service as _;

/// A request.
#[derive(Default)]
pub(crate) struct Asked {
    /// Its method.
    pub(crate) method: String,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    /// Its headers, a line each.
    pub(crate) headers: Vec<u8>,
    /// Its body.
    pub(crate) body: Vec<u8>,
    /// The address of whom it is from; empty if nobody knows.
    pub(crate) peer: String,
}

/// Its answer.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers, a line each.
    pub(crate) headers: Vec<u8>,
    /// The body.
    pub(crate) body: Bytes,
}

impl Asked {
    fn into_request(self) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(self.method.as_str()).uri(self.target.as_str());
        for line in self.headers.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
            request =
                request.header(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.trim_ascii()).ok()?);
        }
        if let Ok(address) = self.peer.parse::<IpAddr>() {
            request = request.extension(SocketAddr::new(address.to_canonical(), 0));
        }
        request.body(Full::new(Bytes::from(self.body))).ok()
    }
}

impl Answer {
    /// There is none: what should have answered did not come to its end.
    pub(crate) fn broken() -> Self {
        plain(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What the server answers. A request that cannot be one in HTTP is 400.
pub(crate) async fn answer(mut service: Service, asked: Asked) -> Answer {
    let Some(request) = asked.into_request() else { return plain(StatusCode::BAD_REQUEST) };
    match service.call(request).await {
        Ok(response) => whole(response).await,
        Err(never) => match never {},
    }
}

async fn whole(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else { return plain(StatusCode::BAD_GATEWAY) };
    let mut headers = Vec::new();
    for (name, value) in &parts.headers {
        headers.extend_from_slice(name.as_str().as_bytes());
        headers.push(b':');
        headers.extend_from_slice(value.as_bytes());
        headers.push(b'\n');
    }
    Answer { status: parts.status.as_u16(), headers, body: body.to_bytes() }
}

impl Answer {
    /// What is told of a request that the program gave up.
    pub(crate) fn cancelled() -> Self {
        Self { status: 0, headers: Vec::new(), body: Bytes::new() }
    }
}

fn plain(status: StatusCode) -> Answer {
    Answer { status: status.as_u16(), headers: Vec::new(), body: Bytes::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[u8], peer: &str) -> Asked {
        let headers = headers.to_vec();
        Asked { method: "GET".into(), target: "/a?b".into(), headers, peer: peer.into(), ..Asked::default() }
    }

    #[test]
    fn headers_are_lines_of_bytes() {
        let request = asked(b"X-Name: Zo\xeb\nx-name:b\n", "::ffff:192.0.2.1").into_request().unwrap();
        let values: Vec<_> = request.headers().get_all("x-name").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(values, [&b"Zo\xeb"[..], b"b"]);
        let peer = request.extensions().get::<SocketAddr>().unwrap();
        assert_eq!(peer.ip().to_string(), "192.0.2.1");
    }

    #[test]
    fn what_is_no_request_is_none() {
        for headers in [&b"x"[..], b"a b: c", b": c", b"x: a\x00b"] {
            assert!(asked(headers, "").into_request().is_none(), "{headers:?}");
        }
        assert!(Asked { method: "GET".into(), target: "a b".into(), ..Asked::default() }.into_request().is_none());
    }
}
