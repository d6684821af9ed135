"""A server, and its operations as calls. Each call is a `concurrent.futures.Future` at first: threads wait for it without
the lock of the interpreter, and event loops as for anything else."""

import asyncio
import json
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import List, Optional

from . import _native
from ._errors import ClosedError, error_of

_LIBRARY = {"darwin": "libgatewit_embedded.dylib", "win32": "gatewit_embedded.dll"}
_native.load(str(Path(__file__).with_name(_LIBRARY.get(sys.platform, "libgatewit_embedded.so"))))


@dataclass(frozen=True)
class Client:
    """On whose behalf the program calls."""

    address: Optional[str] = None
    user_agent: Optional[str] = None
    origin: Optional[str] = None


@dataclass(frozen=True)
class Tokens:
    """What somebody has who is signed in."""

    access_token: str
    refresh_token: Optional[str]
    expires_in_ms: int

    def __repr__(self):
        return f"Tokens(expires_in_ms={self.expires_in_ms})"


@dataclass(frozen=True)
class Person:
    """Whose token it is, as of now."""

    user: Optional[str]
    role: Optional[str]
    share: Optional[str]
    admin: bool
    app: bool
    policies: List[str]


@dataclass(frozen=True)
class OpenSession:
    """A session that is open."""

    id: str
    user: Optional[str]
    share: Optional[str]
    provider: Optional[str]
    expires: datetime
    client: Client
    current: bool


@dataclass(frozen=True)
class Provider:
    """A provider to show to people."""

    name: str
    driver: str
    label: Optional[str]
    icon: Optional[str]


def _session(session):
    expires = datetime.fromtimestamp(session.pop("expires_ms") / 1000, timezone.utc)
    return OpenSession(**{**session, "expires": expires, "client": Client(**session["client"])})


def _settle(future, value=None, error=None):
    """Keeps a promise that may have been given up."""
    if not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class _Calls:
    """The operations. What `_answer` makes of a future is what they return."""

    def login(self, *, provider=None, otp=None, one_token=False, client=None, **credentials):
        given = {"provider": provider, "otp": otp, "one_token": one_token, "credentials": credentials}
        return self._answer("login", given, client, lambda tokens: Tokens(**tokens))

    def refresh(self, *, refresh_token=None, session_token=None, client=None):
        held = {"refresh_token": refresh_token, "session_token": session_token}
        return self._answer("refresh", held, client, lambda tokens: Tokens(**tokens))

    def logout(self, *, refresh_token=None, session_token=None, client=None):
        return self._answer("logout", {"refresh_token": refresh_token, "session_token": session_token}, client)

    def verify(self, token, *, client=None):
        return self._answer("verify", {"token": token}, client, lambda person: Person(**person))

    def me(self, token, *, fields=(), client=None):
        return self._answer("me", {"token": token, "fields": list(fields)}, client)

    def sessions(self, token, *, client=None):
        return self._answer("sessions", {"token": token}, client, lambda found: [_session(one) for one in found])

    def end_session(self, token, id, *, client=None):
        return self._answer("end_session", {"token": token, "id": id}, client)

    def end_other_sessions(self, token, *, client=None):
        return self._answer("end_other_sessions", {"token": token}, client)

    def providers(self):
        return self._answer("providers", {}, None, lambda found: [Provider(**one) for one in found])

    def request_password_reset(self, email, *, url=None, client=None):
        return self._answer("request_password_reset", {"email": email, "url": url}, client)

    def reset_password(self, token, password, *, client=None):
        return self._answer("reset_password", {"token": token, "password": password}, client)

    def register(self, email, password, *, url=None, client=None):
        return self._answer("register", {"email": email, "password": password, "url": url}, client)

    def verify_registration(self, token, *, client=None):
        return self._answer("verify_registration", {"token": token}, client)

    def accept_invitation(self, token, password, *, client=None):
        return self._answer("accept_invitation", {"token": token, "password": password}, client)


class Gatewit(_Calls):
    """A server in this process. Its calls wait; those of `asyncio` are coroutines."""

    def __init__(self, server, facts):
        facts = json.loads(facts)
        self._server, self._closed = server, None
        self.warnings, self.first_admin, self.body_limit = facts["warnings"], facts["first_admin"], facts["body_limit"]
        self.asyncio = AsyncCalls(self)

    def owns(self, method, path):
        return self._server.owns(method, path)

    def close(self):
        self._close().result()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _close(self):
        if self._closed is None:
            self._closed = Future()
            self._server.close(lambda _good, _told: _settle(self._closed))
        return self._closed

    def _call(self, operation, given, client, shape):
        future = Future()
        if self._closed is not None:
            future.set_exception(ClosedError())
            return future
        client = client and {"address": client.address, "user_agent": client.user_agent, "origin": client.origin}

        def done(good, told):
            try:
                _settle(future, shape(json.loads(told)) if good else None, None if good else error_of(told))
            except Exception as error:  # Whatever it is, somebody waits for it.
                _settle(future, error=error)

        self._server.call(operation, json.dumps({**given, "client": client}), done)
        return future

    def _answer(self, operation, given, client, shape=lambda value: value):
        return self._call(operation, given, client, shape).result()


class AsyncCalls(_Calls):
    """The same for `asyncio`."""

    def __init__(self, gatewit):
        self._gatewit = gatewit

    async def close(self):
        await asyncio.shield(asyncio.wrap_future(self._gatewit._close()))

    async def _answer(self, operation, given, client, shape=lambda value: value):
        return await asyncio.wrap_future(self._gatewit._call(operation, given, client, shape))


def _starting(settings, send_mail):
    future, started = Future(), []

    def hand(number, letter):
        def send():
            failure = ""
            try:
                send_mail(json.loads(letter))
            except Exception as error:
                failure = str(error) or type(error).__name__
            if started:
                started[0].sent(number, failure)
        # The program's function may take its time, and the server's thread has other things to do.
        threading.Thread(target=send, name="gatewit-letter", daemon=True).start()

    def done(server, told):
        if server is None:
            _settle(future, error=error_of(told))
            return
        started.append(server)
        _settle(future, Gatewit(server, told))

    _native.start(json.dumps(dict(settings)), send_mail and hand, done)
    return future


def start(settings, *, send_mail=None):
    """Starts a server and waits until it serves."""
    return _starting(settings, send_mail).result()


async def start_async(settings, *, send_mail=None):
    """The same for `asyncio`."""
    return await asyncio.wrap_future(_starting(settings, send_mail))
