"""Special localparts of localserve in the queue: those that begin with `queue` fail on their way out.

What they end in says how: `temperror` (451), `permerror` (550), a code from 400 to 599, or `timeout`. The last is as
if a server had not answered; it fails without waiting, because other mail for the domain would have to wait too.
"""

from __future__ import annotations

import re

from app.queue.outcome import Outcome, deferred, of_reply
from app.store.queuerecords import Queued
from app.wire.smtp import codes

_SPECIAL = re.compile(r"queue.*?(temperror|permerror|timeout|[45][0-9][0-9])\Z", re.DOTALL)
_CODES = {"temperror": 451, "permerror": 550}


def special_outcome(row: Queued) -> Outcome | None:
    """The failure that the localpart asks for; None for an ordinary one."""
    match = _SPECIAL.match(row.recipient.localpart)
    if match is None:
        return None
    if match[1] == "timeout":
        return deferred("4.4.2", "The server did not answer, as the special localpart asks for.")
    code = _CODES.get(match[1]) or int(match[1])
    return of_reply(codes.special(code).reply(f"failure with code {code} due to special localpart"), "localserve")
