"""Settings for Outlook: Autodiscover, its POST of XML ("POX") and the newer GET that only tells where to POST.

Paths come in any letter case. Only the schema for IMAP and SMTP is answered, never one that would make a program think
that this is an Exchange server. The XML is read by expat: at most 64 KiB, one pass, no DTD and so no entities; elements
count by their local names, as programs differ in namespaces. Credentials that come along are not looked at.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from xml.parsers import expat

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.config.live import Live
from app.errors import Refusal, WireError
from app.metrics import counter
from app.operations.clientprofiles import POX_OUTLOOK, autodiscover_reply
from app.web.public.hosts import asked, read_address

PREFIX = "/autodiscover/"
XML_PATH = "/autodiscover/autodiscover.xml"
JSON_PATH = "/autodiscover/autodiscover.json"
MAX_BODY = 64 * 1024
MAX_VALUE = 1024
BODY_TIMEOUT_S = 15.0

_requests = counter("autodiscover_request_total", "Requests of mail programs for Autodiscover.", ["domain"])


@dataclass(frozen=True, slots=True, kw_only=True)
class PoxRequest:
    """The two elements that count; empty when missing."""

    address: str
    schema: str


class _Reader:
    """Gathers the text of the two elements that count."""

    def __init__(self) -> None:
        self.values = {"EMailAddress": "", "AcceptableResponseSchema": ""}
        self._open = ""

    def start(self, name: str, attributes: object) -> None:
        self._open = name.rpartition(":")[2]

    def end(self, name: str) -> None:
        self._open = ""

    def text(self, data: str) -> None:
        if self._open in self.values and len(self.values[self._open]) < MAX_VALUE:
            self.values[self._open] += data

    def doctype(self, *declared: object) -> None:
        raise WireError("a document type is not allowed")


def read_request(body: bytes) -> PoxRequest:
    """What a request asks for; raises WireError when it is not XML, or has a DTD."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as err:  # bad XML; an encoding that nobody knows
        raise WireError(f"not XML: {err}") from None
    values = reader.values
    return PoxRequest(address=values["EMailAddress"].strip(), schema=values["AcceptableResponseSchema"].strip())


async def reply_pox(live: Live, request: Request) -> Response:
    """The settings of the domain of an address."""
    here = asked(request, live)
    try:
        wanted = read_request(await _body(request))
    except WireError:
        raise HTTPException(400, "This needs an Autodiscover request in XML.") from None
    if wanted.schema not in ("", POX_OUTLOOK):
        raise HTTPException(404, "Only settings for IMAP and SMTP are offered here.")
    address = read_address(wanted.address)
    offer = here.offer(address.domain)
    _requests.labels(offer.domain.ascii).inc()
    try:
        return Response(autodiscover_reply(offer, address), media_type="text/xml")
    except Refusal as err:
        raise HTTPException(404, err.public) from None


def reply_json(live: Live, request: Request) -> Response:
    """Where to POST, for programs that ask for the protocol "AutodiscoverV1"; others are not here."""
    here = asked(request, live)
    protocol = next((value for key, value in request.query_params.items() if key.lower() == "protocol"), "")
    if protocol.lower() != "autodiscoverv1":
        error = {"ErrorCode": "ProtocolNotSupported", "ErrorMessage": "Only AutodiscoverV1 is offered here."}
        return JSONResponse(error, 400)
    url = request.url.replace(hostname=here.host.ascii, path=XML_PATH, query="", fragment="")
    return JSONResponse({"Protocol": "AutodiscoverV1", "Url": str(url)})


async def _body(request: Request) -> bytes:
    gathered = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for piece in request.stream():
                gathered += piece
                if len(gathered) > MAX_BODY:
                    raise HTTPException(413, "This request is too large.")
    except TimeoutError:
        raise HTTPException(408, "This request came too slowly.") from None
    return bytes(gathered)
