"""Who is signed in on a connection, what it has enabled, and which mailbox it has selected.

A session is what command functions work on. It writes through its connection, knows nothing of sockets, and outlives no
connection. `state` decides with the command table which commands are legal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import ConnectionGone
from app.imapserver import updates
from app.imapserver.annotationnews import AnnotationNews
from app.imapserver.notices import Notices
from app.imapserver.selected import Selected
from app.imapserver.wishes import ALL_OF_IT, Telling, Wishes
from app.log import logger
from app.store.account.handle import Account
from app.store.accounts import Accounts
from app.wire.imap.capability import Situation, capabilities
from app.wire.imap.command import State
from app.wire.imap.response import Code, Status, tagged, untagged

if TYPE_CHECKING:
    from app.imapserver.connection import ImapConnection

log = logger("imapserver")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account of a session and the address it signed in with."""

    account: Account
    login: str


class Session:
    """One client's state from greeting to logout."""

    __slots__ = (
        "annotation_news",
        "connection",
        "enabled",
        "ending",
        "has_heard",
        "idling",
        "may_expunge",
        "notices",
        "selected",
        "signed_in",
        "user_agent",
    )

    def __init__(self, connection: ImapConnection) -> None:
        self.connection = connection
        self.signed_in: SignedIn | None = None
        self.selected: Selected | None = None
        self.annotation_news: AnnotationNews | None = None
        self.notices: Notices | None = None  # since the client used NOTIFY
        self.enabled: set[str] = set()  # atoms in upper case: CONDSTORE, IMAP4REV2
        self.idling = False
        self.has_heard = False  # of news that the client was not told at once
        self.ending: bytes | None = None  # the end of a command that waits for news which must be read first
        self.may_expunge = True  # whether removals may be told at the end of the command under way
        self.user_agent = ""

    @property
    def state(self) -> State:
        """How far the session is."""
        if self.signed_in is None:
            return State.NOT_AUTHENTICATED
        return State.AUTHENTICATED if self.selected is None else State.SELECTED

    @property
    def account(self) -> Account:
        """The account; only for commands that need a login."""
        assert self.signed_in is not None
        return self.signed_in.account

    @property
    def accounts(self) -> Accounts:
        """All accounts."""
        return self.connection.service.accounts

    @property
    def utf8(self) -> bool:
        """Whether mailbox names go as UTF-8 instead of modified UTF-7 (RFC 9051 §5.1, RFC 9755 §3)."""
        return "IMAP4REV2" in self.enabled or "UTF8=ACCEPT" in self.enabled

    @property
    def has_condstore(self) -> bool:
        """Whether the client is told modseqs (RFC 7162 §3.1)."""
        return "CONDSTORE" in self.enabled

    @property
    def has_qresync(self) -> bool:
        """Whether the client is told uids of removed messages (RFC 7162 §3.2.3)."""
        return "QRESYNC" in self.enabled

    @property
    def has_uidonly(self) -> bool:
        """Whether messages are named by uid alone, and never by sequence number (RFC 9586)."""
        return "UIDONLY" in self.enabled

    def write(self, data: bytes) -> None:
        """Send to the client, with everything else this callback writes."""
        self.connection.write(data)

    def ok(self, tag: str, text: str, code: Code | None = None) -> None:
        """End a command that went well, after the news."""
        self._end_command(tagged(tag, Status.OK, text, code))

    def ok_now(self, tag: str, text: str, code: Code | None = None) -> None:
        """The same for a command after which nothing may come between; what must be read waits for the next one."""
        updates.write(self, may_expunge=self.may_expunge)
        self.write(tagged(tag, Status.OK, text, code))

    def no(self, tag: str, text: str, code: Code | None = None) -> None:
        """End a command that could not be done."""
        self._end_command(tagged(tag, Status.NO, text, code))

    def bad(self, tag: str, text: str, code: Code | None = None) -> None:
        """End a command that broke the protocol."""
        self._end_command(tagged(tag, Status.BAD, text, code))

    def _end_command(self, line: bytes) -> None:
        if self.must_read:
            self.ending = line
            return
        updates.write(self, may_expunge=self.may_expunge)
        self.write(line)

    @property
    def telling(self) -> Telling:
        """What the client wants to hear of its selected mailbox."""
        return ALL_OF_IT if self.notices is None else self.notices.telling

    @property
    def listens(self) -> bool:
        """Whether the client is told news at once, and not only with its commands."""
        return self.idling or (self.notices is not None and not self.notices.wishes.is_silent)

    @property
    def may_push_expunges(self) -> bool:
        """Whether removals may be told when no command is under way (RFC 5465 §6.1)."""
        return self.idling or self.telling.is_prompt

    @property
    def has_news(self) -> bool:
        """Whether there is anything to tell of the selected mailbox to a client that listens."""
        selected = self.selected
        return selected is not None and updates.has_news(selected, self.telling, may_expunge=self.may_push_expunges)

    @property
    def must_read(self) -> bool:
        """Whether there is news that cannot be told before the database was read; see `news.py`."""
        selected = self.selected
        if selected is not None and (
            selected.has_fresh or (selected.contexts is not None and selected.contexts.is_dirty)
        ):
            return True
        return self.notices is not None and self.notices.is_pending

    def untagged_ok(self, text: str, code: Code | None = None) -> None:
        """An untagged OK with its code."""
        self.write(untagged(Status.OK, text, code))

    @property
    def max_messages(self) -> int:
        """How many messages one command works on (RFC 9738)."""
        return self.connection.service.max_messages

    def capabilities(self) -> str:
        """The capabilities at this point."""
        connection = self.connection
        return capabilities(
            Situation(
                has_tls=connection.tls is not None,
                has_starttls=connection.service.tls_context is not None and not connection.is_compressed,
                is_signed_in=self.signed_in is not None,
                mechanisms=connection.mechanisms(),
                may_login=connection.may_send_passwords,
                append_limit=connection.service.max_message_bytes,
                message_limit=self.max_messages,
            )
        )

    def select(self, selected: Selected) -> None:
        """Begin to follow a mailbox, unless the client left meanwhile: nothing would end that again."""
        if self.connection.is_gone:
            raise ConnectionGone("connection is gone")
        self.selected = selected
        selected.open()
        selected.owner = self
        selected.follow_new(fetches_new=bool(self.telling.items))
        selected.on_change = self.news

    def unselect(self) -> None:
        """Stop following the mailbox, if there is one."""
        if self.selected is not None:
            self.selected.close()
            self.selected = None

    def enable_condstore(self) -> None:
        """The client showed that it knows modseqs; from now on it is told them (RFC 7162 §3.1)."""
        if self.has_condstore:
            return
        self.enabled.add("CONDSTORE")
        if self.selected is not None:
            modseq = self.selected.highest_modseq()
            self.untagged_ok("modseqs from now on", Code(f"HIGHESTMODSEQ {modseq}"))

    def enable_annotation_news(self, *, has_mailboxes: bool) -> None:
        """Tell the client which annotations others change: of the account, and perhaps of mailboxes."""
        if self.annotation_news is None:
            self.annotation_news = AnnotationNews(self.account, self.news)
            self.annotation_news.open()
        self.annotation_news.has_mailboxes |= has_mailboxes

    def notify(self, wishes: Wishes) -> None:
        """From now on tell of other mailboxes what is wished, and nothing else."""
        if self.connection.is_gone:
            raise ConnectionGone("connection is gone")
        self._end_notices()
        self.notices = Notices(self, wishes)
        self.notices.open()

    def notify_selected(self) -> None:
        """From now on tell of the selected mailbox what is wished, and nothing else."""
        assert self.notices is not None
        self.notices.telling = self.notices.wishes.selected
        if self.selected is not None:
            self.selected.follow_new(fetches_new=bool(self.telling.items))

    def _end_notices(self) -> None:
        if self.notices is not None:
            self.notices.close()
            self.notices = None

    def end(self) -> None:
        """Let go of everything; the connection is gone, or somebody else may sign in."""
        self.unselect()
        self._end_notices()
        self.ending = None
        if self.annotation_news is not None:
            self.annotation_news.close()
            self.annotation_news = None
        self.idling = False

    def sign_out(self) -> None:
        """Back to where it was before login: no mailbox, nothing enabled or saved (RFC 8437 §2)."""
        self.end()
        self.enabled.clear()
        self.signed_in = None

    def news(self) -> None:
        """Something changed: tell it at once to a client that listens."""
        if self.listens:
            self.has_heard = True
            self.connection.call_soon(self.connection.tell_news)
