"""Profiles for Apple's Mail programs, and QR codes that bring a phone to them.

/profile.mobileconfig?addresses=a,b&name=x is the profile, which is not signed and holds no password;
/profile.mobileconfig.qrcode.png with the same query is a picture of its link.
"""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.config.live import Live
from app.errors import Refusal
from app.operations.clientprofiles import PROFILE_PATH, apple_profile, profile_path
from app.operations.clientsettings import Offer
from app.operations.qrcodes import qr_png
from app.web.client import is_secure
from app.web.public.hosts import Asked, asked, read_address
from app.wire.smtp.address import Address

QRCODE_PATH = PROFILE_PATH + ".qrcode.png"
MEDIA_TYPE = "application/x-apple-aspen-config"
MAX_ADDRESSES = 20
MAX_NAME = 200
_PORT = re.compile("[0-9]{1,5}")


def show_profile(live: Live, request: Request) -> Response:
    """The profile, as a file to open."""
    offer, addresses, name = _wanted(request, asked(request, live))
    try:
        data = apple_profile(offer, addresses, name)
    except Refusal as err:
        raise HTTPException(400, err.public) from None
    disposition = f'attachment; filename="{offer.domain.ascii}.mobileconfig"'
    return Response(data, media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})


def show_qrcode(live: Live, request: Request, *, is_forwarded: bool = False) -> Response:
    """The picture of the profile's link at the name and port that were asked."""
    here = asked(request, live)
    _, addresses, name = _wanted(request, here)
    scheme = "https" if is_secure(request, is_forwarded=is_forwarded) else "http"
    port = request.headers["host"].partition(":")[2]
    origin = f"{scheme}://{here.host.ascii}" + (f":{port}" if _PORT.fullmatch(port) else "")
    try:
        return Response(qr_png(origin + profile_path(addresses, name)), media_type="image/png")
    except Refusal as err:
        raise HTTPException(400, err.public) from None


def _wanted(request: Request, here: Asked) -> tuple[Offer, list[Address], str]:
    texts = [text for text in request.query_params.get("addresses", "").split(",", MAX_ADDRESSES) if text.strip()]
    name = request.query_params.get("name", "").strip()
    if not texts:
        raise HTTPException(400, "Say for which address, as in ?addresses=you@example.org")
    if len(texts) > MAX_ADDRESSES or len(name) > MAX_NAME:
        raise HTTPException(400, f"At most {MAX_ADDRESSES} addresses and a name of {MAX_NAME} characters are possible.")
    addresses = [read_address(text) for text in texts]
    for address in addresses[1:]:
        here.offer(address.domain)  # 404 for one that is not ours
    return here.offer(addresses[0].domain), addresses, name
