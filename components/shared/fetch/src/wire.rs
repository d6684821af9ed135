//! One request over wasi:http, blocking.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package gatewit:fetch;
        world fetch {
            import gatewit:config/settings@0.1.0;
            import gatewit:keys/signing@0.1.0;
            import gatewit:log/log@0.1.0;
            import wasi:clocks/wall-clock@0.2.12;
            import wasi:http/outgoing-handler@0.2.12;
            import wasi:random/random@0.2.12;
        }
    ",
    world: "gatewit:fetch/fetch",
    generate_all,
});

use crate::{Fault, Request, Response, surroundings::now, target};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use wasi::http::{
    outgoing_handler,
    types::{
        ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
        Scheme, http_error_code,
    },
};
use wasi::io::streams::StreamError;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// How long a provider may take to be connected to. Directus gives the whole exchange 3.5 seconds by default.
const CONNECT: u64 = 3 * SECOND;

/// How long it may take to begin its answer.
const FIRST_BYTE: u64 = 5 * SECOND;

/// How long it may take between two pieces of it.
const BETWEEN_BYTES: u64 = 3 * SECOND;

/// How many seconds the whole body may take, so that a provider that sends a byte now and then has an end, too.
const BODY_SECONDS: u64 = 6;

/// Bytes of a piece that is read or written: wasi:io takes at most so many at once for writing.
const PIECE: usize = 4096;

/// Bytes of a piece that is read.
const READ: u64 = 65_536;

/// Sends a request and reads its answer to the end.
pub fn send(request: &Request<'_>) -> Result<Response, Fault> {
    let outgoing = outgoing(request)?;
    let body = outgoing.body().map_err(|()| Fault::Address)?;
    let options = RequestOptions::new();
    // A host without one of these deadlines has its own.
    let _ = options.set_connect_timeout(Some(CONNECT));
    let _ = options.set_first_byte_timeout(Some(FIRST_BYTE));
    let _ = options.set_between_bytes_timeout(Some(BETWEEN_BYTES));
    let answer = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| fault(&code))?;
    // If this fails, the answer tells why.
    let _ = write(body, request.form.unwrap_or_default().as_bytes());
    answer.subscribe().block();
    let response = match answer.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(code))) => return Err(fault(&code)),
        Some(Err(())) | None => return Err(Fault::Broken("no answer".into())),
    };
    read(&response, request.most_bytes)
}

fn outgoing(request: &Request<'_>) -> Result<OutgoingRequest, Fault> {
    let target = target(request.url).ok_or(Fault::Address)?;
    let mut headers: Vec<(String, Vec<u8>)> = vec![("user-agent".into(), b"gatewit".to_vec())];
    headers.extend(request.headers.iter().map(|(name, value)| ((*name).to_string(), value.clone().into_bytes())));
    if let Some(form) = request.form {
        headers.push(("content-type".into(), b"application/x-www-form-urlencoded".to_vec()));
        // Providers exist that take no chunks.
        headers.push(("content-length".into(), form.len().to_string().into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|_| Fault::Address)?;
    let outgoing = OutgoingRequest::new(headers);
    let method = if request.form.is_some() { Method::Post } else { Method::Get };
    let scheme = if target.encrypted { Scheme::Https } else { Scheme::Http };
    let set = outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(target.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&target.path)));
    set.map(|()| outgoing).map_err(|()| Fault::Address)
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), ()> {
    let stream = body.write()?;
    for piece in bytes.chunks(PIECE) {
        stream.blocking_write_and_flush(piece).map_err(|_| ())?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|_| ())
}

fn read(response: &IncomingResponse, most_bytes: usize) -> Result<Response, Fault> {
    let kind = response.headers().get("content-type").into_iter().next();
    let incoming = response.consume().map_err(|()| Fault::Broken("no body".into()))?;
    let body = read_body(&incoming, most_bytes)?;
    let content_type = kind.and_then(|kind| String::from_utf8(kind).ok());
    Ok(Response { status: response.status(), content_type, body })
}

fn read_body(incoming: &IncomingBody, most_bytes: usize) -> Result<Vec<u8>, Fault> {
    let stream = incoming.stream().map_err(|()| Fault::Broken("no body".into()))?;
    let (mut body, deadline) = (Vec::new(), now() + BODY_SECONDS);
    loop {
        match stream.blocking_read(READ) {
            Ok(piece) if piece.len() > most_bytes - body.len() => return Err(Fault::TooLarge(most_bytes)),
            Ok(piece) => body.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(
                    http_error_code(&error).map_or_else(|| Fault::Broken(error.to_debug_string()), |code| fault(&code))
                );
            }
        }
        if now() > deadline {
            return Err(Fault::TooSlow);
        }
    }
}

/// What the host says of a request that failed.
fn fault(code: &ErrorCode) -> Fault {
    match code {
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => Fault::Denied,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::DnsTimeout
        | ErrorCode::HttpResponseTimeout => Fault::TooSlow,
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => Fault::Address,
        ErrorCode::HttpResponseBodySize(_) => Fault::Broken("it is too large".into()),
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => Fault::Unreachable("no such name".into()),
        ErrorCode::ConnectionRefused => Fault::Unreachable("the connection was refused".into()),
        ErrorCode::TlsCertificateError => Fault::Unreachable("its certificate is not trusted".into()),
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => Fault::Unreachable("TLS failed".into()),
        ErrorCode::ConnectionLimitReached => Fault::Unreachable("too many connections".into()),
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            Fault::Unreachable("no way there".into())
        }
        ErrorCode::ConfigurationError => Fault::Unreachable("the proxy's settings do not work".into()),
        ErrorCode::InternalError(Some(text)) => Fault::Broken(text.clone()),
        other => Fault::Broken(format!("{other:?}")),
    }
}
