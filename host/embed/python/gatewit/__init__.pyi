from contextlib import AbstractAsyncContextManager
from datetime import datetime
from types import TracebackType
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Sequence, Type, TypedDict, Union

Setting = Union[str, int, float, bool, None, Sequence[Any], Mapping[str, Any]]
"""Texts are read as those of a `.env` file; lists and dictionaries stay what they are."""

Settings = Mapping[str, Setting]
"""By the names of their variables, such as `SECRET`. Neither the environment nor files are read."""

SendMail = Callable[[Dict[str, str]], None]
"""Sends a letter (`id`, `recipient`, `subject`, `message`). It is called on a thread of its own; a letter is kept and tried
again when it raises or takes more than a minute."""

Application = Callable[[Any, Any, Any], Awaitable[None]]

class Problem(TypedDict):
    setting: Optional[str]
    message: str

class GatewitError(Exception):
    """Whatever Gatewit raises."""

    code: str

class ConfigurationError(GatewitError):
    """Settings cannot be used."""

    setting: Optional[str]
    problems: List[Problem]

class StartError(GatewitError):
    """The server cannot start, for a reason outside of its settings."""

class RefusedError(GatewitError):
    """The rules refuse; `code` is that of the wire. The message may be told to whoever asked."""

    status: int
    retry_after: Optional[float]

class ClosedError(GatewitError):
    """A call came after `close()`."""

class Client:
    """On whose behalf the program calls. Policies may be bound to the address, and sessions keep it."""

    address: Optional[str]
    user_agent: Optional[str]
    origin: Optional[str]
    def __init__(
        self, address: Optional[str] = ..., user_agent: Optional[str] = ..., origin: Optional[str] = ...
    ) -> None: ...

class Tokens:
    """What somebody has who is signed in. With `one_token` there is no refresh token."""

    access_token: str
    refresh_token: Optional[str]
    expires_in_ms: int

class Person:
    """Whose token it is, as of now: looked up, never read from the token."""

    user: Optional[str]
    role: Optional[str]
    share: Optional[str]
    admin: bool
    app: bool
    policies: List[str]

class OpenSession:
    """A session that is open. Its `id` is no token."""

    id: str
    user: Optional[str]
    share: Optional[str]
    provider: Optional[str]
    expires: datetime
    client: Client
    current: bool

class Provider:
    """A provider to show to people."""

    name: str
    driver: str
    label: Optional[str]
    icon: Optional[str]

class FirstAdmin(TypedDict):
    email: str
    password: Optional[str]

class Gatewit:
    """A server in this process. Its calls wait, without the lock of the interpreter; those of `asyncio` are coroutines."""

    warnings: List[str]
    first_admin: Optional[FirstAdmin]
    body_limit: int
    asyncio: AsyncCalls
    def owns(self, method: str, path: str) -> bool: ...
    def login(
        self,
        *,
        email: str = ...,
        identifier: str = ...,
        password: str = ...,
        provider: Optional[str] = ...,
        otp: Optional[str] = ...,
        one_token: bool = ...,
        client: Optional[Client] = ...,
    ) -> Tokens: ...
    def refresh(
        self, *, refresh_token: Optional[str] = ..., session_token: Optional[str] = ..., client: Optional[Client] = ...
    ) -> Tokens: ...
    def logout(
        self, *, refresh_token: Optional[str] = ..., session_token: Optional[str] = ..., client: Optional[Client] = ...
    ) -> None: ...
    def verify(self, token: str, *, client: Optional[Client] = ...) -> Person: ...
    def me(self, token: str, *, fields: Sequence[str] = ..., client: Optional[Client] = ...) -> Dict[str, Any]: ...
    def sessions(self, token: str, *, client: Optional[Client] = ...) -> List[OpenSession]: ...
    def end_session(self, token: str, id: str, *, client: Optional[Client] = ...) -> None: ...
    def end_other_sessions(self, token: str, *, client: Optional[Client] = ...) -> int: ...
    def providers(self) -> List[Provider]: ...
    def request_password_reset(
        self, email: str, *, url: Optional[str] = ..., client: Optional[Client] = ...
    ) -> None: ...
    def reset_password(self, token: str, password: str, *, client: Optional[Client] = ...) -> None: ...
    def register(
        self, email: str, password: str, *, url: Optional[str] = ..., client: Optional[Client] = ...
    ) -> None: ...
    def verify_registration(self, token: str, *, client: Optional[Client] = ...) -> str: ...
    def accept_invitation(self, token: str, password: str, *, client: Optional[Client] = ...) -> None: ...
    def close(self) -> None:
        """Lets what is under way finish, for `SHUTDOWN_TIMEOUT` at most. Calls that come later raise `ClosedError`."""
    def __enter__(self) -> Gatewit: ...
    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None: ...

class AsyncCalls:
    """The calls of `Gatewit` for `asyncio`. One that is cancelled is no longer waited for; what was begun goes on."""

    async def login(
        self,
        *,
        email: str = ...,
        identifier: str = ...,
        password: str = ...,
        provider: Optional[str] = ...,
        otp: Optional[str] = ...,
        one_token: bool = ...,
        client: Optional[Client] = ...,
    ) -> Tokens: ...
    async def refresh(
        self, *, refresh_token: Optional[str] = ..., session_token: Optional[str] = ..., client: Optional[Client] = ...
    ) -> Tokens: ...
    async def logout(
        self, *, refresh_token: Optional[str] = ..., session_token: Optional[str] = ..., client: Optional[Client] = ...
    ) -> None: ...
    async def verify(self, token: str, *, client: Optional[Client] = ...) -> Person: ...
    async def me(self, token: str, *, fields: Sequence[str] = ..., client: Optional[Client] = ...) -> Dict[str, Any]: ...
    async def sessions(self, token: str, *, client: Optional[Client] = ...) -> List[OpenSession]: ...
    async def end_session(self, token: str, id: str, *, client: Optional[Client] = ...) -> None: ...
    async def end_other_sessions(self, token: str, *, client: Optional[Client] = ...) -> int: ...
    async def providers(self) -> List[Provider]: ...
    async def request_password_reset(
        self, email: str, *, url: Optional[str] = ..., client: Optional[Client] = ...
    ) -> None: ...
    async def reset_password(self, token: str, password: str, *, client: Optional[Client] = ...) -> None: ...
    async def register(
        self, email: str, password: str, *, url: Optional[str] = ..., client: Optional[Client] = ...
    ) -> None: ...
    async def verify_registration(self, token: str, *, client: Optional[Client] = ...) -> str: ...
    async def accept_invitation(self, token: str, password: str, *, client: Optional[Client] = ...) -> None: ...
    async def close(self) -> None: ...

class Asgi:
    """An ASGI application. It starts with the lifespan of the server, or with that of the application that it is mounted in
    (`lifespan`), or else with the first request."""

    @property
    def gatewit(self) -> Gatewit: ...
    async def start(self) -> Gatewit: ...
    async def close(self) -> None: ...
    def lifespan(self, app: Any = ...) -> AbstractAsyncContextManager[None]: ...
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

def asgi(settings: Settings, app: Optional[Application] = ..., *, send_mail: Optional[SendMail] = ...) -> Asgi:
    """Gatewit as an ASGI application: to serve alone, or to mount. With `app`, what is not Gatewit's goes there."""

def start(settings: Settings, *, send_mail: Optional[SendMail] = ...) -> Gatewit:
    """Starts a server and waits until it serves."""

async def start_async(settings: Settings, *, send_mail: Optional[SendMail] = ...) -> Gatewit:
    """The same for `asyncio`."""
