"""A host for Gatewit's components: the capabilities that `wit/` names, and nothing else. Each call gets a fresh
instance, so no component remembers anything."""

import hashlib
import hmac
import json
import os
import sys
import time
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from wasmtime import Engine
from wasmtime.component import Component, ResourceHost

from contract import Failure, Instance
from store import mark

ENGINE = Engine()
FOLDER = Path(os.environ.get("GATEWIT_WASM") or Path(__file__).resolve().parents[3] / "target/wasm")
RULES, DRIVER = (Component.from_file(ENGINE, FOLDER / f"{name}.wasm") for name in ("auth", "local"))
HASHER = PasswordHasher()
# Compared with where there is no account, so that it takes as long.
NOBODY = HASHER.hash(os.urandom(16).hex())
# The settings of the rules that these operations ask for.
SETTINGS = {
    "access-token-ms": 900_000.0, "access-token-seconds": 900.0, "refresh-token-ms": 604_800_000.0,
    "login-stall-ms": 500.0, "session-refresh-grace-ms": 10_000.0, "password-reset-seconds": 86_400.0,
    "public-url": "http://127.0.0.1",
}


def fail(*error):
    raise Failure(*error)


def setting(name):
    value = SETTINGS.get(name)
    return None if value is None else ("number" if isinstance(value, float) else "text", value)


def signing(secret):
    """Keys by number, one for each purpose, whose bytes stay on this side."""
    keys = []

    def open(purpose):
        # What Directus signs with is the secret itself.
        keys.append(secret if purpose == "access-tokens" else hmac.digest(secret, purpose.encode(), "sha256"))
        return ResourceHost.own(len(keys) - 1, 1)

    def sign(key, message):
        return hmac.digest(keys[key], message, "sha256")

    return {
        "key": lambda number: None, "open": open, "sign": sign, "import": lambda *_: fail("denied"),
        "verify": lambda key, message, signature: hmac.compare_digest(sign(key, message), signature),
    }


def ask_driver(store, provider, values):
    """Who this is, asked of the driver `local` in an instance of its own."""
    def verify(email, password):
        owner = store.user("email", email)
        known = owner["password"] if owner and owner["provider"] == provider else None
        try:
            return "match" if HASHER.verify(known or NOBODY, password) and known else "mismatch"
        except VerifyMismatchError:
            return "mismatch"
    if provider != "default":
        fail("misconfigured", "there is no such provider")
    driver = Instance(ENGINE, DRIVER, {"gatewit:passwords/accounts": {"verify": verify}})
    return driver.call("gatewit:driver/credentials@0.1.0", "login", values)


def capabilities(store, secret, holds):
    hashes = []

    def keep_hash(password):
        hashes.append(HASHER.hash(password))
        return len(hashes) - 1

    def now():
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        return {"seconds": seconds, "nanoseconds": nanoseconds}

    def mark_of(id):
        user = store.user("id", id)
        return user and mark(user["password"])

    away = dict.fromkeys(("begin", "recall", "finish", "refresh", "leave", "read_notice", "describe_us"),
                         lambda *_: fail("misconfigured", "there is no such provider"))
    return {
        **store.interfaces(hashes),
        "gatewit:auth/pace": {"hold": holds.append},
        "gatewit:config/settings": {"get": setting},
        "gatewit:drivers/dispatch": {
            **away, "providers": lambda: [], "setting": lambda provider, name: None,
            "login": lambda *asked: ask_driver(store, *asked),
        },
        "gatewit:keys/signing": signing(secret),
        "gatewit:log/log": {"write": lambda level, *line: print(level, *line, file=sys.stderr)},
        "gatewit:mail/post": {"send": lambda letter: print(json.dumps(letter), flush=True)},
        "gatewit:passwords/hashing": {"hash": keep_hash, "mark": mark_of, "verify_share": lambda *_: "mismatch"},
        "wasi:clocks/wall-clock": {"now": now},
        "wasi:random/random": {"get_random_bytes": os.urandom},
    }


def rules(store, secret, holds):
    """The rules for one call, in which they put into `holds` when their answer may leave, in milliseconds."""
    return Instance(ENGINE, RULES, capabilities(store, secret, holds))
