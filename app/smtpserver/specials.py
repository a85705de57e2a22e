"""The special localparts of localserve, with which developers try how their program takes errors.

A localpart that ends in `temperror` (451), `permerror` (550), a code from 400 to 599, or `timeout` fails in that way:
at MAIL when it also begins with `mailfrom`, at RCPT with `rcptto`, in the queue with `queue`, otherwise after the
message.
"""

from __future__ import annotations

import asyncio
import re
from enum import Enum

from app.smtpserver.conversation import Conversation
from app.smtpserver.replies import SmtpRefusal
from app.wire.smtp import codes
from app.wire.smtp.address import ForwardPath, ReversePath

_ENDING = re.compile(r"(temperror|permerror|timeout|[45][0-9][0-9])\Z")
_CODES = {"temperror": 451, "permerror": 550}


class Moment(Enum):
    """When a special localpart takes effect, by what it begins with."""

    MAIL = "mailfrom"
    RCPT = "rcptto"
    QUEUE = "queue"
    MESSAGE = ""


def moment_of(localpart: str) -> Moment:
    """When the localpart would take effect."""
    return next(moment for moment in Moment if localpart.startswith(moment.value))


def is_special(conversation: Conversation, path: ReversePath | ForwardPath, moment: Moment) -> bool:
    """Whether the path has a failure in store for this moment; only in localserve."""
    localpart = getattr(path, "localpart", "")
    if conversation.resources.localserve is None or not localpart:
        return False
    return moment_of(localpart) is moment and _ENDING.search(localpart) is not None


async def fail(conversation: Conversation, path: ReversePath | ForwardPath) -> SmtpRefusal:
    """The failure that a special path asks for, after its time."""
    match = _ENDING.search(getattr(path, "localpart", ""))
    assert match is not None
    if match[1] == "timeout":
        await asyncio.sleep(conversation.resources.delays.timeout_localpart_s)
        return SmtpRefusal(codes.special(451), "timeout due to special localpart")
    code = _CODES.get(match[1]) or int(match[1])
    return SmtpRefusal(codes.special(code), f"failure with code {code} due to special localpart")
