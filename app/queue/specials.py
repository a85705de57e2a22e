"""Special localparts of localserve in the queue: those that begin with `queue` fail on their way out.

What they end in says how: `temperror` (451), `permerror` (550), a code from 400 to 599, or `timeout`, which fails
after an hour.
"""

from __future__ import annotations

import re

from app.queue.outcome import Outcome, of_reply
from app.store.queuerecords import Queued
from app.wire.smtp import codes

TIMEOUT_S = 3600.0

_SPECIAL = re.compile(r"queue.*?(temperror|permerror|timeout|[45][0-9][0-9])\Z", re.DOTALL)
_CODES = {"temperror": 451, "permerror": 550, "timeout": 451}


def special_outcome(row: Queued) -> tuple[Outcome, float] | None:
    """The failure that the localpart asks for and the seconds until it comes; None for an ordinary one."""
    match = _SPECIAL.match(row.recipient.localpart)
    if match is None:
        return None
    code = _CODES.get(match[1]) or int(match[1])
    answer = codes.special(code).reply(f"failure with code {code} due to special localpart")
    return of_reply(answer, "localserve"), TIMEOUT_S if match[1] == "timeout" else 0.0
