"""Notes of people who sign in with Gatewit, which lives in this very process."""

import os
from collections import defaultdict
from typing import Annotated

import gatewit
import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

auth = gatewit.asgi(os.environ)
app = FastAPI(lifespan=auth.lifespan)
notes: dict[str | None, list[str]] = defaultdict(list)


class Note(BaseModel):
    text: str


@app.exception_handler(gatewit.RefusedError)
async def refused(_request: Request, error: gatewit.RefusedError) -> JSONResponse:
    return JSONResponse({"error": str(error), "code": error.code}, error.status)


async def signed_in(request: Request) -> gatewit.Person:
    """Lets people in who are signed in, and says who they are."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    client = gatewit.Client(request.client and request.client.host, request.headers.get("user-agent"))
    return await auth.gatewit.asyncio.verify(token, client=client)


SignedIn = Annotated[gatewit.Person, Depends(signed_in)]


@app.get("/", response_class=PlainTextResponse)
async def hello() -> str:
    return "Hello from the application"


@app.get("/notes")
async def own_notes(person: SignedIn) -> list[str]:
    return notes[person.user]


@app.post("/notes", status_code=201)
async def take_note(note: Note, person: SignedIn) -> None:
    notes[person.user].append(note.text)


# After the routes of the application: whatever it has no route for is Gatewit's.
app.mount("/", auth)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
