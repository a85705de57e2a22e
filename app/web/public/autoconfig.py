"""Settings for Thunderbird and many others: config-v1.1.xml (draft-ietf-mailmaint-autoconfig).

Programs ask autoconfig.<domain>/mail/config-v1.1.xml and <domain>/.well-known/autoconfig/mail/config-v1.1.xml, over
HTTPS and HTTP at once, most with ?emailaddress=. That address may be of another domain of ours than the host's:
Thunderbird asks at the domain of the MX host too.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.config.live import Live
from app.errors import Refusal
from app.metrics import counter
from app.operations.clientprofiles import PLACEHOLDER, client_config
from app.web.public.hosts import asked, read_address

PATHS = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")

_requests = counter("autoconf_request_total", "Requests of mail programs for config-v1.1.xml.", ["domain"])


def show_config(live: Live, request: Request) -> Response:
    """The settings of a domain."""
    here = asked(request, live)
    text = request.query_params.get("emailaddress", "")
    address = read_address(text) if text and text != PLACEHOLDER else None
    offer = here.offer(address.domain if address else here.domain())
    _requests.labels(offer.domain.ascii).inc()
    try:
        data = client_config(offer, str(address) if address else PLACEHOLDER)
    except Refusal as err:
        raise HTTPException(400, err.public) from None
    return Response(data, media_type="text/xml")
