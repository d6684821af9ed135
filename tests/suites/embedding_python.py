"""The Python package `gatewit`, which is installed where this runs. Prints `ok <check>` or `not ok <check>: why`."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import gatewit

ADMIN = {"email": "admin@example.com", "password": "Adm1n-password"}

# As many sign-ins as are watched, and as many at once as a busy program has.
LOGINS, AT_ONCE = 400, 8

# How late another thread and the event loop may be, by the median, in seconds: far less than one password takes to be
# hashed.
LATE = 0.005

FAILED = []


def settings(**more):
    """Of a server with one account, whose passwords are quickly hashed. Everything is below one temporary folder."""
    secret = more.get("SECRET", "a secret of the checks, longer than thirty-two bytes")
    return {
        "GATEWIT_DATA": tempfile.mkdtemp(dir=os.environ.get("DATA")), "SECRET": secret,
        "ADMIN_EMAIL": ADMIN["email"], "ADMIN_PASSWORD": ADMIN["password"],
        # Compiled once for all servers that share a secret.
        "GATEWIT_CODE_CACHE": os.environ["CODE_CACHE"] + f"-{len(secret)}",
        "HASH_MEMORY_COST": 1024, "HASH_TIME_COST": 2, "HASH_PARALLELISM": 1, "LOGIN_STALL_TIME": 0,
        "LOG_LEVEL": "silent", **more,
    }


def check(name):
    """One check. Those that follow are run whatever becomes of it."""
    def run(action):
        try:
            action()
            print(f"ok {name} (python)", flush=True)
        except BaseException:
            FAILED.append(name)
            print(f"not ok {name} (python): {' '.join(traceback.format_exc().split())}", flush=True)
    return run


def raised(kind, action):
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


@check("settings that cannot be used are named")
def _():
    error = raised(gatewit.ConfigurationError,
                   lambda: gatewit.start(settings(ACCESS_TOKEN_TTL="soon", GATEWIT_CALS=5)))
    assert error.code == "INVALID_CONFIGURATION" and isinstance(error, gatewit.GatewitError)
    named = sorted(problem["setting"] for problem in error.problems)
    assert named == ["ACCESS_TOKEN_TTL", "GATEWIT_CALS"] and error.setting in named, named
    bad = settings()
    path = os.path.join(bad["GATEWIT_DATA"], "file")
    open(path, "w").close()
    assert raised(gatewit.StartError, lambda: gatewit.start({**bad, "GATEWIT_DATA": path})).code == "CANNOT_START"


ONE = gatewit.start(settings())
TWO = gatewit.start(settings(SECRET="another secret, longer than thirty-two bytes, too"))


@check("sign-in, refresh, sessions and sign-out")
def _():
    tokens = ONE.login(**ADMIN, client=gatewit.Client("192.0.2.7", "a test"))
    assert tokens.expires_in_ms == 900_000 and "ey" not in repr(tokens)
    person = ONE.verify(tokens.access_token)
    assert person.admin and person.user and person.policies
    assert ONE.me(tokens.access_token, fields=["email"]) == {"email": ADMIN["email"]}
    [session] = ONE.sessions(tokens.access_token)
    assert session.client == gatewit.Client("192.0.2.7", "a test") and session.expires.tzinfo
    following = ONE.refresh(refresh_token=tokens.refresh_token)
    single = ONE.login(**ADMIN, one_token=True)
    assert single.refresh_token is None and ONE.end_other_sessions(single.access_token) == 1
    assert raised(gatewit.RefusedError, lambda: ONE.refresh(refresh_token=following.refresh_token)).status == 401
    assert ONE.logout(session_token=single.access_token) is None
    assert raised(gatewit.RefusedError, lambda: ONE.verify(single.access_token)).code == "INVALID_CREDENTIALS"


@check("a refusal has the code of the wire, and a call that is none is a mistake in the program")
def _():
    error = raised(gatewit.RefusedError, lambda: ONE.login(**{**ADMIN, "password": "wrong"}))
    assert (error.code, error.status, error.retry_after) == ("INVALID_CREDENTIALS", 401, None)
    for call in (lambda: ONE.login(email=5), lambda: ONE.refresh(), lambda: ONE.verify(None),
                 lambda: ONE.login(**ADMIN, client=gatewit.Client("nowhere"))):
        assert raised(ValueError, call).code == "INVALID_ARGUMENT"


@check("two servers have nothing in common")
def _():
    here, there = ONE.login(**ADMIN), TWO.login(**ADMIN)
    TWO.verify(there.access_token)
    assert raised(gatewit.RefusedError, lambda: TWO.verify(here.access_token)).code == "INVALID_TOKEN"


@check("coroutines, and one that is cancelled")
def _():
    async def main():
        tokens = await asyncio.gather(*(ONE.asyncio.login(**ADMIN) for _ in range(8)))
        assert len({each.access_token for each in tokens}) >= 1
        late = asyncio.ensure_future(ONE.asyncio.login(**ADMIN))
        await asyncio.sleep(0)
        late.cancel()
        try:
            await late
        except asyncio.CancelledError:
            return await ONE.asyncio.verify(tokens[0].access_token)
        raise AssertionError("not cancelled")
    assert asyncio.run(main()).admin


@check(f"other threads and the event loop go on during {2 * LOGINS} sign-ins")
def _():
    server = gatewit.start(settings(HASH_MEMORY_COST=8_192))
    lates, going = [], threading.Event()

    def watch():
        while not going.is_set():
            began = time.perf_counter()
            time.sleep(0.001)
            lates.append(time.perf_counter() - began - 0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: server.login(**ADMIN), range(LOGINS)))
    going.set()
    watcher.join()
    assert statistics.median(lates) < LATE, f"a thread was late by {statistics.median(lates)} s at the median"

    async def main():
        loop_lates, done = [], False

        async def look():
            while not done:
                began = time.perf_counter()
                await asyncio.sleep(0.001)
                loop_lates.append(time.perf_counter() - began - 0.001)

        looking = asyncio.ensure_future(look())
        for _ in range(LOGINS // AT_ONCE):
            await asyncio.gather(*(server.asyncio.login(**ADMIN) for _ in range(AT_ONCE)))
        done = True
        await looking
        return loop_lates

    loop_lates = asyncio.run(main())
    assert statistics.median(loop_lates) < LATE, f"the loop was late by {statistics.median(loop_lates)} s at the median"
    print(f"late at the median: threads {statistics.median(lates) * 1e3:.2f} ms, the event loop "
          f"{statistics.median(loop_lates) * 1e3:.2f} ms", file=sys.stderr)
    server.close()


@check("a function for letters that raises harms nobody")
def _():
    told = []

    def send(letter):
        told.append(letter)
        raise RuntimeError("the mailer is broken")

    with gatewit.start(settings(PUBLIC_URL="https://auth.example.com"), send_mail=send) as server:
        server.request_password_reset(ADMIN["email"])
        deadline = time.monotonic() + 10
        while not told and time.monotonic() < deadline:
            time.sleep(0.02)
        assert told[0]["recipient"] == ADMIN["email"] and "token=" in told[0]["message"]
        server.login(**ADMIN)


async def ask(application, method, path, body=b"", root="", gone=False):
    """What an ASGI application answers."""
    headers = [(b"host", b"a"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": root + path, "root_path": root, "query_string": b"",
             "headers": headers, "client": ("192.0.2.9", 5)}
    messages = [{"type": "http.request", "body": body[:7], "more_body": True}]
    messages += [{"type": "http.disconnect"}] if gone else [{"type": "http.request", "body": body[7:]}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    return (sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]) if sent else None


@check("an ASGI application: alone, mounted, and around another one")
def _():
    async def own(scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"of the application"})

    async def main():
        login = json.dumps(ADMIN).encode()
        auth = gatewit.asgi(settings(MAX_PAYLOAD_SIZE="2kb"))
        raised(RuntimeError, lambda: auth.gatewit)
        async with auth.lifespan():
            assert (await ask(auth, "GET", "/server/ping"))[2] == b"pong"
            assert (await ask(auth, "GET", "/server/ping", root="/mounted"))[2] == b"pong"
            assert (await ask(auth, "GET", "/nowhere"))[0] == 404
            status, _, body = await ask(auth, "POST", "/auth/login", login)
            token = json.loads(body)["data"]["access_token"]
            [session] = await auth.gatewit.asyncio.sessions(token)
            assert status == 200 and session.client.address == "192.0.2.9"
            status, _, body = await ask(auth, "POST", "/auth/login", b"x" * 3_000)
            assert status == 400 and b"request entity too large" in body
            assert await ask(auth, "POST", "/auth/login", login, gone=True) is None
        assert (await ask(auth, "POST", "/auth/login", login))[0] == 503
        around = gatewit.asgi(settings(), own)
        for path in ("/", "/robots.txt", "/nowhere"):
            assert (await ask(around, "GET", path))[2] == b"of the application"
        assert (await ask(around, "POST", "/auth/login", login))[0] == 200
        await around.close()

    asyncio.run(main())


class Windowless(asyncio.SelectorEventLoop):
    """An event loop that waits for no files, as the one of Windows."""

    def add_reader(self, *_):
        raise NotImplementedError


@check("event loops that wait for files, and those that do not; and an answer that nobody waits for")
def _():
    auth = gatewit.asgi(settings(HASH_MEMORY_COST=8_192))
    login = json.dumps(ADMIN).encode()

    async def main():
        pongs = await asyncio.gather(*(ask(auth, "GET", "/server/ping") for _ in range(50)))
        assert [status for status, _, _ in pongs] == [200] * 50
        late = asyncio.ensure_future(ask(auth, "POST", "/auth/login", login))
        await asyncio.sleep(0.005)
        late.cancel()
        assert (await asyncio.gather(late, ask(auth, "POST", "/auth/login", login), return_exceptions=True))[1][0] == 200
        # Its answer comes when the event loop has ended.
        asyncio.ensure_future(ask(auth, "POST", "/auth/login", login))
        await asyncio.sleep(0.005)

    for loop in (asyncio.SelectorEventLoop(), Windowless()):
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()
        time.sleep(0.1)
    asyncio.run(auth.close())


@check("the lifespan protocol, and a start that fails")
def _():
    async def live(application):
        messages, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        await application({"type": "lifespan"}, receive, send)
        return [message["type"] for message in sent], sent[0].get("message", "")

    types, _message = asyncio.run(live(gatewit.asgi(settings())))
    assert types == ["lifespan.startup.complete", "lifespan.shutdown.complete"], types
    types, message = asyncio.run(live(gatewit.asgi(settings(ACCESS_TOKEN_TTL="soon"))))
    assert types == ["lifespan.startup.failed"] and "ACCESS_TOKEN_TTL" in message


@check("what is under way is finished when a server is closed, and nothing begins")
def _():
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(TWO.login, **ADMIN)
        while not late.running() and not late.done():
            pass
        time.sleep(0.01)
        TWO.close()
        assert late.result().access_token
    assert raised(gatewit.ClosedError, lambda: TWO.login(**ADMIN)).code == "CLOSED"
    TWO.close()
    ONE.close()


PROGRAM = """
import json, sys, gatewit
server = gatewit.start(json.loads(sys.argv[1]))
server.login(**json.loads(sys.argv[2]))
"""
REQUEST = """
import asyncio
async def late():
    auth = gatewit.asgi(json.loads(sys.argv[1]))
    scope = {"type": "http", "method": "POST", "path": "/auth/login", "headers": [(b"content-type", b"application/json")]}
    async def receive(): return {"type": "http.request", "body": sys.argv[2].encode()}
    async def send(message): pass
    await auth.start()
    asyncio.ensure_future(auth(scope, receive, send))
    await asyncio.sleep(0.002)
server.close()
asyncio.run(late())
"""
for title, end in (("that closes its server", "server.close()"), ("that forgets to", ""),
                   ("that ends with a call under way",
                    "import threading\nthreading.Thread(target=server.login, daemon=True, kwargs="
                    "json.loads(sys.argv[2])).start()"),
                   ("that ends with a request under way", REQUEST)):
    @check(f"a program {title} ends by itself")
    def _():
        arguments = [json.dumps(settings()), json.dumps(ADMIN)]
        ended = subprocess.run([sys.executable, "-c", PROGRAM + end, *arguments], timeout=60, check=False)
        assert ended.returncode == 0, ended

print(f"finished {len(FAILED)}", flush=True)
