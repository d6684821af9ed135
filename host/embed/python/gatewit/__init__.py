"""Gatewit, an authentication server that speaks the Directus auth protocol, inside of a Python program."""

from ._asgi import Asgi, asgi
from ._errors import ClosedError, ConfigurationError, GatewitError, RefusedError, StartError
from ._server import AsyncCalls, Client, Gatewit, OpenSession, Person, Provider, Tokens, start, start_async

__all__ = [
    "Asgi", "AsyncCalls", "Client", "ClosedError", "ConfigurationError", "Gatewit", "GatewitError", "OpenSession",
    "Person", "Provider", "RefusedError", "StartError", "Tokens", "asgi", "start", "start_async",
]
