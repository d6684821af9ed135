"""A program in Python with a server in it, and nothing else."""

import os
import socket

import gatewit
import uvicorn

# As much as an answer of the server's.
BARE = b'{"data":{"id":"bare"}}' + b" " * 600
HEAD = [
    (b"content-security-policy", b"script-src 'self'; img-src" + b" https://example.com" * 8),
    (b"cross-origin-opener-policy", b"same-origin-allow-popups"), (b"x-powered-by", b"A program"),
    (b"cache-control", b"no-cache"), (b"vary", b"Origin, Cache-Control"),
    (b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(BARE)).encode()),
    (b"etag", b'W/"26e-M1DRoJJKLIfho98PltZkxEcZywI"'),
]

auth = gatewit.asgi(os.environ)


async def app(scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/bare":
        return await auth(scope, receive, send)
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": BARE})


# asyncio sends at once what it writes only to sockets that say what they are.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(128)
print(f"serves on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
