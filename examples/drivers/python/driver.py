"""A sign-in driver for people whose passwords are kept by another service: whoever it answers with success, signs in.

Any address that asks for a name and a password will do (HTTP Basic, RFC 7617): a file server, a wiki, a mail gateway.
"""

from base64 import b64encode
from json import dumps
from urllib.parse import urlsplit

from componentize_py_types import Err
from wit_world.exports.about import Description, Field, Format, Kind, Setting
from wit_world.imports import outgoing_handler, settings
from wit_world.imports.gatewit_driver_types import (
    Identity,
    Refusal_InvalidCredentials,
    Refusal_Misconfigured,
    Refusal_Unavailable,
    Subject_Identifier,
)
from wit_world.imports.wasi_http_types import Fields, OutgoingRequest, Scheme_Http, Scheme_Https


class About:
    def describe(self) -> Description:
        """What the server, its forms and its documents know of this driver."""
        return Description(
            name="basic",
            fields=[Field("identifier", Format.TEXT, True), Field("password", Format.PASSWORD, False)],
            settings=[Setting("url", Kind.URL, None, True, False, "the address that asks for a name and a password")],
        )


class Credentials:
    def login(self, values: list[str]) -> Identity:
        """Who this is, by the fields above and in their order."""
        if len(values) != 2 or not all(0 < len(value) < 500 and value.isprintable() for value in values) or ":" in values[0]:
            raise Err(Refusal_InvalidCredentials())
        name, password = values
        status = ask(address(), f"{name}:{password}")
        if status in (401, 403):
            raise Err(Refusal_InvalidCredentials())
        if not 200 <= status < 300:
            raise Err(Refusal_Unavailable(f"the service answers {status}"))
        return Identity(
            subject=Subject_Identifier(name),
            email=None,
            email_verified=False,
            given_name=None,
            family_name=None,
            groups=[],
            claims=dumps({"name": name}),
            auth_data=None,
            session=None,
            parting_data=None,
            receipt=None,
        )


def address() -> str:
    """The address in the settings."""
    setting = settings.get("url")
    if setting is None:
        raise Err(Refusal_Misconfigured("`url` is not set"))
    return setting.value


def ask(url: str, credentials: str) -> int:
    """The status with which the service answers to these credentials."""
    parts = urlsplit(url)
    token = b64encode(credentials.encode())
    request = OutgoingRequest(Fields.from_list([("authorization", b"Basic " + token)]))
    request.set_scheme(Scheme_Https() if parts.scheme == "https" else Scheme_Http())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    try:
        future = outgoing_handler.handle(request, None)
        with future.subscribe() as answered:
            answered.block()
        # The answer is there now, and is either one or the reason why there is none.
        answer = future.get().value
        return answer.value.status()
    except (Err, AttributeError):
        raise Err(Refusal_Unavailable("the service does not answer")) from None
