"""An IMAP connection of somebody whom this machine lets in: it has come by the control socket, not over the network."""

from __future__ import annotations

from app.imapserver.connection import ImapConnection
from app.imapserver.service import ImapService
from app.imapserver.session import SignedIn


class PreauthenticatedConnection(ImapConnection):
    """Greeted with PREAUTH (RFC 9051 §7.1.4); everything else is as with others."""

    __slots__ = ("_who",)

    def __init__(self, service: ImapService, who: SignedIn) -> None:
        super().__init__(service)
        self._who = who

    def greet(self) -> None:
        """Sign in at once."""
        self.log.info("signed in through the control socket", cid=self.cid, account=self._who.account.name)
        self.welcome(self._who)
