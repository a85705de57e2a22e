"""The operation of the control socket that adds reports of other servers."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable

from app.config.live import Live
from app.ctl.protocol import Arguments, ControlError, Json
from app.ctl.server import Call, Operation
from app.errors import WireError
from app.operations.addedreports import Kind, add
from app.store.receivedreports import ReceivedReports
from app.wire.domain import parse_domain
from app.wire.reports.attached import MAX_MESSAGE


def report_operations(live: Live, reports: ReceivedReports) -> dict[str, Operation]:
    """The operation by name."""
    return {"addreport": functools.partial(_add, live, reports)}


async def _add(live: Live, reports: ReceivedReports, call: Call) -> Json:
    return await perform(live, reports, call.arguments, call.input())


async def perform(live: Live, reports: ReceivedReports, arguments: Arguments, message: AsyncIterable[bytes]) -> Json:
    """Add the report in a message; whether it is new."""
    word, text, data = arguments.text("kind"), arguments.text("from"), bytearray()
    if word not in (kind.value for kind in Kind):
        raise ControlError(f"there are no reports of kind {word!r}")
    try:
        reporter = parse_domain(text.removesuffix("."))
    except WireError as error:
        raise ControlError(f"{text!r} is not a domain: {error}") from None
    async for piece in message:
        data += piece
        if len(data) > MAX_MESSAGE:
            raise ControlError(f"the message is larger than {MAX_MESSAGE >> 20} MB")
    return await add(live, reports, Kind(word), bytes(data), reporter)
