"""CAPABILITY, NOOP, LOGOUT, ID, ENABLE, COMPRESS, NAMESPACE (RFC 9051 §6.1, §6.3.1, §6.3.10, RFC 2971, RFC 4978)."""

from __future__ import annotations

from app import VERSION
from app.errors import ImapSyntaxError
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.wire.imap import response
from app.wire.imap.capability import ENABLES
from app.wire.imap.parse.session import (
    CapabilityCommand,
    CompressCommand,
    EnableCommand,
    IdCommand,
    LogoutCommand,
    NamespaceCommand,
    NoopCommand,
)
from app.wire.imap.respond.listing import NAMESPACE
from app.wire.imap.response import Status, untagged, untagged_data

_ENABLED_NAMES = {"IMAP4REV2": "IMAP4rev2"}


def capability(session: Session, command: CapabilityCommand) -> None:
    """What the client can use now."""
    session.write(untagged_data(b"CAPABILITY " + session.capabilities().encode()))
    session.ok(command.tag, "that is all")


def noop(session: Session, command: NoopCommand) -> None:
    """Nothing but the chance to tell news; CHECK is the same."""
    session.ok(command.tag, "done")


def logout(session: Session, command: LogoutCommand) -> None:
    """Say goodbye and close."""
    session.write(untagged(Status.BYE, "goodbye"))
    session.ok_now(command.tag, "logged out")
    session.connection.close()


def identify(session: Session, command: IdCommand) -> None:
    """Say who we are; what the client says is kept for the log."""
    known = {parameter.name: parameter.value or "" for parameter in command.parameters}
    session.user_agent = " ".join(filter(None, (known.get("name"), known.get("version"))))
    session.write(untagged_data(f'ID ("name" "mox" "version" "{VERSION}")'.encode()))
    session.ok(command.tag, "pleased to meet you")


def enable(session: Session, command: EnableCommand) -> None:
    """Switch extensions on; unknown ones are ignored (RFC 5161 §3.1)."""
    wanted = [word for word in dict.fromkeys(command.capabilities) if word in ENABLES]
    new = [word for word in wanted if word not in session.enabled]
    names = [_ENABLED_NAMES.get(word, word) for word in new]
    session.write(untagged_data(" ".join(["ENABLED", *names]).encode()))
    for word in new:
        if word in ("CONDSTORE", "QRESYNC"):  # one includes the other (RFC 7162 §3.2.3)
            session.enable_condstore()
        elif word in ("METADATA", "METADATA-SERVER"):
            session.enable_annotation_news(has_mailboxes=word == "METADATA")
        session.enabled.add(word)
    session.ok(command.tag, "enabled")


def compress(session: Session, command: CompressCommand) -> None:
    """Deflate all that follows the OK, and expect the same of the client (RFC 4978 §3)."""
    connection = session.connection
    if command.mechanism != "DEFLATE":
        raise ImapSyntaxError("COMPRESS knows DEFLATE only")
    if connection.is_compressed:
        raise CommandFailed("the connection is compressed already", response.COMPRESSIONACTIVE)
    if connection.machine.held_bytes:
        raise ImapSyntaxError("wait for the answer to COMPRESS before you go on")
    session.ok_now(command.tag, "compressed from here on")
    connection.compress()


def namespace(session: Session, command: NamespaceCommand) -> None:
    """One personal namespace, with / between levels."""
    session.write(NAMESPACE)
    session.ok(command.tag, "done")
