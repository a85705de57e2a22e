"""Answers an authority that looks whether a name leads here (http-01, RFC 8555 §8.3), before all else of a port."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.certificates.challenges import PATH, Challenges


class AcmeChallenges:
    """Known tokens for known names; the rest of that path is not found, whatever a site has there."""

    def __init__(self, app: ASGIApp, challenges: Challenges) -> None:
        self._app = app
        self._challenges = challenges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self._app(scope, receive, send)
            return
        answer = self._challenges.answer(Headers(scope=scope).get("host", ""), scope["path"])
        response = PlainTextResponse("404 page not found\n", 404) if answer is None else PlainTextResponse(answer)
        await response(scope, receive, send)
