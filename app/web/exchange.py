"""One HTTP request and its answer, as the access log and the pages about faults know it.

`accesslog.AccessLog` makes it and puts it into the scope; whoever answers says so in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from app.ids import connection_id
from app.store.receivedids import ReceivedIds

_KEY = "mox.exchange"


@dataclass(slots=True)
class Exchange:
    """What is known of it so far."""

    received_ids: ReceivedIds
    cid: int
    handler: str = "(nomatch)"  # who answers, as log and metrics call it
    is_site: bool = False  # answered by a rule of domains.conf
    account: str = ""  # who is signed in
    is_websocket: bool = False
    status: int = 0
    received: int = 0  # bytes of the body, or of the WebSocket
    sent: int = 0
    uncompressed: int = 0  # bytes of the body before it was compressed, if it was

    @property
    def reference(self) -> str:
        """What a person may be shown, for the log to be found with."""
        return self.received_ids.seal(self.cid)


def exchange_of(scope: Scope) -> Exchange:
    """The exchange of a request; one that is not logged, with a key of its own, where nobody put any."""
    found: Exchange | None = scope.get(_KEY)
    return found if found is not None else Exchange(ReceivedIds(bytes(24)), connection_id())


def put_exchange(scope: Scope, exchange: Exchange) -> Scope:
    """The scope with it."""
    return {**scope, _KEY: exchange}
