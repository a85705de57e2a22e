"""MTA-STS policies at mta-sts.<domain>/.well-known/mta-sts.txt, and nowhere else (RFC 8461 §3.3).

Other servers keep a policy as long as it says; that HTTP caches keep it too would only delay changes.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.config.live import Live
from app.operations.clientprofiles import mtasts_policy
from app.web.public.hosts import MTASTS_PREFIX, host_of
from app.wire.domain import Domain

PATH = "/.well-known/mta-sts.txt"


def show_policy(live: Live, request: Request) -> Response:
    """The policy of a domain."""
    host = host_of(request)
    if host is None or not host.ascii.startswith(MTASTS_PREFIX):
        raise HTTPException(404, "Policies are at mta-sts.<domain>.")
    config = live.dynamic.domains.get(Domain(host.ascii[len(MTASTS_PREFIX) :]))
    if config is None or config.disabled or config.mtasts is None:
        raise HTTPException(404, "There is no policy for this domain.")
    data = mtasts_policy(config.mtasts, live.static.hostname)
    return PlainTextResponse(data, headers={"Cache-Control": "no-cache, max-age=0"})
