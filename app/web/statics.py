"""The files in static/ for pages: read once, addressed by their content, cached by browsers for good.

A page names a file by `url`, which ends in a digest of its bytes; a new version of the program has new addresses. Every
application has the route below its own base path, so that it works behind any web server that passes the base path on.
"""

from __future__ import annotations

import functools
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.assets import asset_path

_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Static:
    """One file."""

    content: bytes
    media_type: str
    digest: str


@functools.cache
def files() -> Mapping[str, Static]:
    """All files by name."""
    return {path.name: _read(path.name) for path in sorted(asset_path("static").iterdir()) if path.is_file()}


def _read(name: str) -> Static:
    content = asset_path(f"static/{name}").read_bytes()
    media_type = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
    return Static(content, media_type or "application/octet-stream", hashlib.sha256(content).hexdigest()[:16])


def url(base: str, name: str) -> str:
    """The address of a file for the application at `base`; raises KeyError for one that is not there."""
    return f"{base.rstrip('/')}/static/{name}?v={files()[name].digest}"


async def _serve(request: Request) -> Response:
    file = files().get(request.path_params["name"])
    if file is None:
        return Response("404 not found\n", status_code=404, media_type="text/plain")
    headers = {"ETag": f'"{file.digest}"', "Cache-Control": _FOREVER}
    if request.query_params.get("v") != file.digest:
        headers["Cache-Control"] = "no-cache"
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


ROUTE = Route("/static/{name}", _serve)
