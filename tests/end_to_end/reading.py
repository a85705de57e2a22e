"""Looks into the mailbox of localserve's account, as a mail reader does, and waits for mail to come."""

from __future__ import annotations

import imaplib
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TypeVar

from tests.support.built import Instance

ACCOUNT = "mox@localhost"
PASSWORD = "moxmoxmox"
ARRIVAL_S = 30
Answer = TypeVar("Answer")


def any_certificate() -> ssl.SSLContext:
    """localserve makes its own certificate; these tests are not about whom it names."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def new_subject() -> str:
    """A subject that no other message has."""
    return f"end to end {uuid.uuid4().hex}"


def new_message(subject: str, text: str = "Hello.\r\n", author: str = ACCOUNT) -> EmailMessage:
    """A small message with every field that a mail program writes."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = f"Sender <{author}>"
    message["To"] = "receiver@example.org"
    message["Subject"] = subject
    message["Message-ID"] = f"<{uuid.uuid4().hex}@localhost>"
    message["Date"] = "Sun, 22 Nov 2026 10:00:00 +0000"
    message.set_content(text)
    return message


@contextmanager
def signed_in(server: Instance, mailbox: str = "INBOX") -> Iterator[imaplib.IMAP4]:
    """An IMAP session with the mailbox selected."""
    with imaplib.IMAP4(server.ip, 1143, timeout=30) as client:
        client.login(ACCOUNT, PASSWORD)
        assert client.select(mailbox)[0] == "OK"
        yield client


def find(client: imaplib.IMAP4, subject: str) -> list[bytes]:
    """UIDs of the messages with this subject in the selected mailbox."""
    status, data = client.uid("SEARCH", "SUBJECT", f'"{subject}"')
    assert status == "OK", data
    return data[0].split() if data and data[0] else []


def fetch(client: imaplib.IMAP4, uid: bytes) -> EmailMessage:
    """One message, whole."""
    status, data = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
    assert status == "OK", data
    parsed = message_from_bytes(next(item[1] for item in data if isinstance(item, tuple)), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def arrived(server: Instance, subject: str, mailbox: str = "INBOX", count: int = 1) -> EmailMessage:
    """The message with this subject, as soon as it is in the mailbox, just as many times as expected."""
    with signed_in(server, mailbox) as client:

        def found() -> list[bytes]:
            client.noop()
            uids = find(client, subject)
            return uids if len(uids) >= count else []

        uids = wait_for(found, server.log)
        assert len(uids) == count
        return fetch(client, uids[0])


def wait_for(question: Callable[[], Answer], explain: Callable[[], str]) -> Answer:
    """Asks until the answer is not empty, and returns it; fails with the explanation when it takes too long."""
    limit = time.monotonic() + ARRIVAL_S
    while not (answer := question()):
        assert time.monotonic() < limit, f"nothing within {ARRIVAL_S} s; the server says:\n{explain()}"
        time.sleep(0.05)
    return answer
