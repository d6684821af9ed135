"""An ASGI application: to serve alone, to mount, or around another one."""

import asyncio
import contextlib
import weakref
from urllib.parse import quote

from . import _native
from ._server import start_async

#: What may stand in a path as it is (RFC 3986, section 3.3).
_IN_PATHS = "/:@!$&'()*+,;=-._~"


def asgi(settings, app=None, *, send_mail=None):
    """Gatewit as an ASGI application. With `app`, what is not Gatewit's goes there."""
    return Asgi(settings, app, send_mail)


class Asgi:
    """Starts with the lifespan of the server, or of the application that it is mounted in (`lifespan`), or else with
    the first request."""

    def __init__(self, settings, app, send_mail):
        self._settings, self._app, self._send_mail = settings, app, send_mail
        self._starting = None
        self._gatewit = None

    @property
    def gatewit(self):
        """The server, once it has started."""
        if self._gatewit is None:
            raise RuntimeError("Gatewit has not started yet: use `lifespan`, or wait for `start()`")
        return self._gatewit

    async def start(self):
        """Starts the server, if it has not started yet."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(start_async(self._settings, send_mail=self._send_mail))
        self._gatewit = await asyncio.shield(self._starting)
        return self._gatewit

    async def close(self):
        """Closes the server, if it has started."""
        if self._gatewit is not None:
            await self._gatewit.asyncio.close()

    @contextlib.asynccontextmanager
    async def lifespan(self, _app=None):
        """For applications that mount this one: `FastAPI(lifespan=auth.lifespan)`."""
        await self.start()
        try:
            yield
        finally:
            await self.close()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] == "http":
            gatewit = self._gatewit or await self.start()
            path = _path(scope)
            if self._app is None or gatewit.owns(scope["method"], path):
                await _answer(gatewit, scope, path, receive, send)
                return
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, scope, receive, send):
        if self._app is not None:
            # The application has a lifespan of its own; ours is around it.
            await self._around(scope, receive, send)
            return
        await receive()
        try:
            await self.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _around(self, scope, receive, send):
        async def before():
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
            return message

        async def after(message):
            if message["type"].startswith("lifespan.shutdown"):
                await self.close()
            await send(message)

        await self._app(scope, before, after)


def _path(scope):
    """The path as it was sent, below where the application is mounted."""
    path, root, raw = scope["path"], scope.get("root_path", ""), scope.get("raw_path")
    if root and path.startswith(root):
        return quote(path[len(root):], _IN_PATHS) or "/"
    return raw.decode("latin-1") if raw else quote(path, _IN_PATHS) or "/"


async def _answer(gatewit, scope, path, receive, send):
    body = bytearray()
    more = True
    # One byte more than the limit is enough for the server to refuse it.
    while more and len(body) <= gatewit.body_limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    target = path
    if scope.get("query_string"):
        target += "?" + scope["query_string"].decode("latin-1")
    peer = (scope.get("client") or [""])[0] or ""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    body = bytes(body[: gatewit.body_limit + 1])
    gatewit._server.answer(scope["method"], target, scope["headers"], body, peer, _replies(loop), future)
    status, headers, answer = await future
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


#: Answers on their way to event loops.
_REPLIES = weakref.WeakKeyDictionary()


def _replies(loop):
    found = _REPLIES.get(loop)
    if found is None:
        found = _REPLIES[loop] = _listen(loop)
    return found


def _listen(loop):
    with contextlib.suppress(NotImplementedError):
        replies = _native.Replies()
        loop.add_reader(replies.fileno(), _take, replies)
        return replies
    # Such as the one of Windows, which waits for no files.
    whose = weakref.ref(loop)

    def wake():
        loop = whose()
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # It has ended, and with it whoever waited.
                loop.call_soon_threadsafe(_take, replies)

    replies = _native.Replies(wake)
    return replies


def _take(replies):
    for future, *answer in replies.take():
        if not future.done():
            future.set_result(answer)
