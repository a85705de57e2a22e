"""IDLE: tell news at once until the client says DONE (RFC 2177)."""

from __future__ import annotations

from app.imapserver.session import Session
from app.wire.imap.parse.session import IdleCommand
from app.wire.imap.response import continuation


def idle(session: Session, command: IdleCommand) -> None:
    """Begin; the connection calls `end` with the next line."""
    session.write(continuation("idling, say DONE to end"))
    session.idling = True
    session.connection.expect_line(command.tag, lambda line: end(session, command.tag, line))
    session.connection.tell_news()


def end(session: Session, tag: str, line: bytes) -> None:
    """The client's next line, which must be DONE."""
    session.idling = False
    session.may_expunge = True
    if line.strip().upper() == b"DONE":
        session.ok(tag, "no longer idle")
    else:
        session.bad(tag, "IDLE ends with DONE")
