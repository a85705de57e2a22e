"""NOTIFY through the built file: a client that only listens, without IDLE, hears of mail and of other mailboxes."""

from __future__ import annotations

import imaplib
import smtplib

from tests.end_to_end.reading import ACCOUNT, PASSWORD, any_certificate, new_message, new_subject, signed_in
from tests.support.built import Instance


def heard(client: imaplib.IMAP4, wanted: bytes) -> bytes:
    """The first line with this in it, of what the server sends by itself."""
    while wanted not in (line := client.readline()):
        assert line, "the server closed the connection"
    return line


def test_client_that_only_listens_hears_of_mail_and_of_other_mailboxes(server: Instance) -> None:
    subject = new_subject()
    with signed_in(server) as listener, signed_in(server) as other:
        assert b"NOTIFY" in listener.capability()[1][0]
        tag = b"n1"
        listener.send(
            tag
            + b" NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))"
            b" (personal (MessageNew MessageExpunge MailboxName))\r\n"
        )
        heard(listener, tag + b" OK")
        with smtplib.SMTP(server.ip, 1587, timeout=30) as client:
            client.starttls(context=any_certificate())
            client.login(ACCOUNT, PASSWORD)
            client.send_message(new_message(subject), from_addr=ACCOUNT, to_addrs=["receiver@example.org"])
        uid = heard(listener, b"FETCH (UID ").split()[4]
        heard(listener, subject.encode())
        other.create("Heard")
        heard(listener, b'"/" Heard')
        other.noop()
        assert other.uid("COPY", uid.decode(), "Heard")[0] == "OK"
        assert b"(MESSAGES 1 UIDNEXT 2 " in heard(listener, b"STATUS Heard")
        other.uid("STORE", uid.decode(), "+FLAGS.SILENT", "(\\Deleted)")
        heard(listener, b"UID " + uid + b" FLAGS (\\Deleted)")
        other.expunge()
        heard(listener, b" EXPUNGE")
