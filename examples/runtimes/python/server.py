"""Signs people in over HTTP, the JSON way of Directus's protocol: bodies to operations of the rules, answers to bodies.
`PORT`, `SECRET`, and `EMAIL` with `PASSWORD` for the one account there is."""

import json
import os
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contract import Failure
from host import HASHER, rules
from store import Store

SECRET = os.environ["SECRET"].encode()
STORE, ONE_AT_A_TIME = Store(), threading.Lock()
STORE.tables["directus_users"].append({
    "id": str(uuid.uuid4()), "email": os.environ["EMAIL"], "password": HASHER.hash(os.environ["PASSWORD"]),
    "status": "active", "provider": "default",
})
# A body is at most this long: a sign-in is some hundred bytes.
MOST_BYTES = 16_384
STATUS = {
    "invalid-payload": 400, "forbidden": 403, "invalid-token": 403, "internal": 500, "overloaded": 503,
    "unavailable": 503,
}


def tokens(grant):
    return {"expires": grant["expires_in_ms"], **{name: grant[name] for name in ("access_token", "refresh_token")}}


def login(call, body, client, _token):
    attempt = {"provider": "default", "values": [str(body.get(name)) for name in ("email", "password")],
               "account": str(body.get("email")), "otp": body.get("otp"), "form": "tokens"}
    return tokens(call("sessions", "login", attempt, client))


def me(call, _body, client, token):
    return json.loads(call("profile", "me", call("access", "authenticate", token, client), []))


def held(body):
    return "refresh-token", str(body.get("refresh_token"))


ROUTES = {
    "POST /auth/login": login,
    "POST /auth/refresh": lambda call, body, client, _:
        tokens(call("sessions", "refresh", held(body), "tokens", client)),
    "POST /auth/logout": lambda call, body, client, _: call("sessions", "logout", held(body), client),
    "POST /auth/password/request": lambda call, body, client, _:
        call("recovery", "request", str(body.get("email")), None, client),
    "POST /auth/password/reset": lambda call, body, client, _:
        call("recovery", "reset", str(body.get("token")), str(body.get("password")), client),
    "GET /users/me": me,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        route, length = ROUTES.get(f"{self.command} {self.path}"), int(self.headers.get("content-length", 0))
        if not route or length > MOST_BYTES:
            return 413 if route else 404, None
        began, holds = time.monotonic(), [0]
        client = {"address": self.client_address[0], "user_agent": self.headers.get("user-agent")}
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            body = json.loads(self.rfile.read(length) or "{}")
            with ONE_AT_A_TIME:
                instance = rules(STORE, SECRET, holds)
                call = lambda interface, *what: instance.call(f"gatewit:auth/{interface}@0.1.0", *what)
                data = route(call, body, client, token)
            return (204, None) if data is None else (200, {"data": data})
        except (Failure, ValueError) as error:
            tag = getattr(error, "tag", "invalid-payload")
            code = {"code": tag.upper().replace("-", "_")}
            return STATUS.get(tag, 401), {"errors": [{"message": tag, "extensions": code}]}
        finally:
            time.sleep(max(0.0, began + max(holds) / 1000 - time.monotonic()))

    def do_POST(self):
        status, body = self.answer()
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if status != 204:
            self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8055"))), Handler)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
