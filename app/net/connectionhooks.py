"""What a protocol does with a connection: the methods that a subclass of `Connection` overrides.

Order: `admit`, then `connected` (after the handshake when TLS comes first), then the others. `lost` comes exactly once
if and only if `admit` said yes. All are called on the event loop and must not block; what they write goes out together.
"""

from __future__ import annotations

from app.limits import IpAddress
from app.log import Logger
from app.net.deadlines import Expiring


class ConnectionHooks(Expiring):
    """The hooks, with what happens when they are not overridden."""

    __slots__ = ()

    log: Logger
    cid: int
    remote: IpAddress

    def admit(self) -> bool:
        """Whether the connection may be; `remote` and `local` are known, nothing was sent and no TLS spent."""
        return True

    def refused(self) -> None:
        """Write a last line to a peer that was not admitted (not called before an implicit TLS handshake)."""

    def connected(self) -> None:
        """The peer is there; greet it."""

    def received(self, data: bytes) -> None:
        """Bytes came, or a task has ended (then perhaps b""); must not block."""
        raise NotImplementedError

    def is_full(self) -> bool:
        """Whether the machine holds enough to go on with; what came meanwhile is then kept back, unread if it is much.

        Without an answer a peer could send commands faster than they are carried out, and fill the memory. A hook that
        says yes must start a task in the `received` that follows, or take all that it holds.
        """
        return False

    def timed_out(self) -> None:
        """The deadline has passed."""
        self.close()

    def ended(self) -> None:
        """The peer will send no more, and everything it sent has been through `received`."""
        self.close()

    def crashed(self, error: Exception) -> None:
        """An error of ours ends the connection; write a last line if the protocol has one."""

    def handshake_failed(self, error: OSError) -> None:
        """The client and this server did not agree on TLS; the connection ends."""
        self.log.debug("tls handshake failed", cid=self.cid, remote=self.remote, error=error)

    def stopping(self) -> None:
        """The server stops; say so if the protocol has words for it, and close."""
        self.close()

    def lost(self) -> None:
        """The connection is gone. A task that runs is left to finish."""

    def close(self) -> None:
        """Close once everything written has been sent; `Connection` does it."""
        raise NotImplementedError
