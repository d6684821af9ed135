"""What a program with types may say, and what not."""

import asyncio
from datetime import datetime
from typing import List, Optional

import gatewit


async def calls(server: gatewit.Gatewit) -> List[datetime]:
    tokens: gatewit.Tokens = await server.asyncio.login(email="a", password="b", client=gatewit.Client("192.0.2.1"))
    person: gatewit.Person = server.verify(tokens.access_token)
    user: Optional[str] = person.user
    print(user, server.end_other_sessions(tokens.access_token) + 1)
    server.verify(5)  # type: ignore[arg-type]
    server.logn()  # type: ignore[attr-defined]
    return [session.expires for session in await server.asyncio.sessions(tokens.access_token)]


try:
    with gatewit.start({"SECRET": "x", "PORT": 8055, "CORS_ORIGIN": ["https://a.example"], "OFF": None}) as server:
        asyncio.run(calls(server))
except gatewit.ConfigurationError as error:
    print(error.setting, [problem["message"] for problem in error.problems])
application: gatewit.Asgi = gatewit.asgi({}, send_mail=lambda letter: print(letter["recipient"]))
