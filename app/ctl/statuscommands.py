"""The operation of the control socket that tells how the server stands."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from app.ctl.protocol import Json
from app.ctl.server import Call, Operation
from app.operations.status.finding import Finding, Sources
from app.operations.status.report import Change, Status, status_of


def status_operations(sources: Sources) -> Mapping[str, Operation]:
    """By name."""
    return {"status": functools.partial(_status, sources)}


async def _status(sources: Sources, call: Call) -> Json:
    return told(await status_of(sources))


def told(found: Status) -> Json:
    """As the client prints it."""
    return {
        "grade": found.grade.value,
        "findings": [_finding(one) for one in found.findings],
        "changes": [_change(one) for one in found.changes],
    }


def _finding(one: Finding) -> Json:
    return {
        "subject": one.subject.value,
        "grade": one.grade.value,
        "title": one.title,
        "text": one.text,
        "quote": one.quote,
        "page": one.page.path if one.page else "",
    }


def _change(one: Change) -> Json:
    return {"time": one.time, "what": one.what, "by": one.by}
