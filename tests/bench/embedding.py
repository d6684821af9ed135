"""A program in Python with a server in it, and nothing else."""

import os
import socket

import gatewit
import uvicorn

BARE = b'{"data":{"id":"bare"}}'

auth = gatewit.asgi(os.environ)


async def app(scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/bare":
        return await auth(scope, receive, send)
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(BARE)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": BARE})


# asyncio sends at once what it writes only to sockets that say what they are.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(128)
print(f"serves on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
