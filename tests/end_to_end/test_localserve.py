"""`mox.pyz localserve` with Python's own mail clients and the imapclient package."""

from __future__ import annotations

import imaplib
import signal
import smtplib
import urllib.request
from pathlib import Path

import imapclient
import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import (
    ACCOUNT,
    PASSWORD,
    any_certificate,
    arrived,
    fetch,
    find,
    new_message,
    new_subject,
    signed_in,
)
from tests.support.built import Instance


def submit(server: Instance, subject: str, to: str = "receiver@example.org") -> None:
    with smtplib.SMTP(server.ip, 1587, timeout=30) as client:
        client.starttls(context=any_certificate())
        client.login(ACCOUNT, PASSWORD)
        client.send_message(new_message(subject), from_addr=ACCOUNT, to_addrs=[to])


def test_submitted_mail_for_anybody_comes_back_to_the_account(server: Instance) -> None:
    subject = new_subject()
    submit(server, subject)
    message = arrived(server, subject)
    assert message["To"] == "receiver@example.org"
    assert message.get_content().strip() == "Hello."
    assert message["Received"]


def test_submitted_mail_carries_a_dkim_signature(server: Instance) -> None:
    subject = new_subject()
    submit(server, subject)
    assert "d=localhost" in arrived(server, subject)["DKIM-Signature"]


def test_submission_over_implicit_tls_works(server: Instance) -> None:
    subject = new_subject()
    with smtplib.SMTP_SSL(server.ip, 1465, timeout=30, context=any_certificate()) as client:
        client.login(ACCOUNT, PASSWORD)
        client.send_message(new_message(subject), from_addr=ACCOUNT, to_addrs=["a@example.org", "b@example.org"])
    arrived(server, subject, count=2)


def test_mail_from_outside_is_delivered_over_starttls(server: Instance) -> None:
    subject = new_subject()
    with smtplib.SMTP(server.ip, 1025, timeout=30) as client:
        client.starttls(context=any_certificate())
        client.send_message(new_message(subject), from_addr="someone@example.com", to_addrs=[ACCOUNT])
    assert "someone@example.com" in arrived(server, subject)["Return-Path"]


def test_wrong_password_is_refused(server: Instance) -> None:
    with smtplib.SMTP(server.ip, 1587, timeout=30) as client:
        client.starttls(context=any_certificate())
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(ACCOUNT, "wrong")
    assert refused.value.smtp_code == 535
    with imaplib.IMAP4(server.ip, 1143, timeout=30) as reader, pytest.raises(imaplib.IMAP4.error):
        reader.login(ACCOUNT, "wrong")


def test_submission_without_signing_in_is_refused(server: Instance) -> None:
    with smtplib.SMTP(server.ip, 1587, timeout=30) as client:
        client.ehlo()
        assert client.mail(ACCOUNT)[0] == 530


@pytest.mark.parametrize(("localpart", "code"), [("rcptto451", 451), ("rcpttopermerror", 550)])
def test_special_localpart_answers_at_rcpt(server: Instance, localpart: str, code: int) -> None:
    with smtplib.SMTP(server.ip, 1025, timeout=30) as client:
        client.ehlo()
        client.mail("someone@example.com")
        assert client.rcpt(f"{localpart}@localhost")[0] == code


@pytest.mark.parametrize(("localpart", "code"), [("x452", 452), ("xtemperror", 451), ("xpermerror", 550)])
def test_special_localpart_answers_after_data(server: Instance, localpart: str, code: int) -> None:
    with smtplib.SMTP(server.ip, 1025, timeout=30) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("someone@example.com", [f"{localpart}@localhost"], new_message(new_subject()).as_bytes())
        assert refused.value.smtp_code == code


def test_imaplib_appends_searches_flags_copies_and_expunges(server: Instance) -> None:
    subject = new_subject()
    with imaplib.IMAP4_SSL(server.ip, 1993, ssl_context=any_certificate(), timeout=30) as client:
        client.login(ACCOUNT, PASSWORD)
        assert client.create("Work")[0] == "OK"
        stored = new_message(subject, "déjà vu\r\n").as_bytes()
        status, answer = client.append("Work", r"(\Seen)", imaplib.Time2Internaldate(1_700_000_000), stored)
        assert status == "OK"
        assert b"APPENDUID" in answer[0]
        assert client.select("Work")[1] == [b"1"]
        (uid,) = find(client, subject)
        _, data = client.uid("FETCH", uid.decode(), "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
        assert data[0][1] == stored
        assert f"RFC822.SIZE {len(stored)}".encode() in data[0][0]
        assert b"14-Nov-2023" in data[0][0]
        assert client.uid("STORE", uid.decode(), "+FLAGS", r"(\Flagged $Work)")[0] == "OK"
        assert client.uid("COPY", uid.decode(), "Archive")[0] == "OK"
        assert client.uid("STORE", uid.decode(), "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
        assert client.expunge() == ("OK", [b"1"])
        assert client.select("Archive")[0] == "OK"
        (copied,) = find(client, subject)
        _, data = client.uid("FETCH", copied.decode(), "(FLAGS)")
        assert {b"\\seen", b"\\flagged", b"$work"} <= {flag.lower() for flag in imaplib.ParseFlags(data[0])}
        assert client.delete("Work")[0] == "OK"


def test_imaplib_starttls_protects_the_login(server: Instance) -> None:
    with imaplib.IMAP4(server.ip, 1143, timeout=30) as client:
        client.starttls(ssl_context=any_certificate())
        assert client.login(ACCOUNT, PASSWORD)[0] == "OK"
        assert client.select("INBOX")[0] == "OK"


def test_imapclient_sees_a_delivery_while_it_idles(server: Instance) -> None:
    subject = new_subject()
    with imapclient.IMAPClient(server.ip, 1143, ssl=False, timeout=30) as client:
        client.login(ACCOUNT, PASSWORD)
        client.select_folder("INBOX")
        client.idle()
        submit(server, subject)
        events = client.idle_check(timeout=30)
        while not any(event[1] == b"EXISTS" for event in events):
            assert events, "no EXISTS came"
            events = client.idle_check(timeout=30)
        client.idle_done()
        assert len(client.search(["SUBJECT", subject])) == 1


def test_imapclient_lists_moves_and_names_mailboxes_in_any_script(server: Instance) -> None:
    subject = new_subject()
    with imapclient.IMAPClient(server.ip, 1993, ssl_context=any_certificate(), timeout=30) as client:
        client.login(ACCOUNT, PASSWORD)
        special = {flag: name for flags, _, name in client.list_folders() for flag in flags}
        assert {b"\\Sent", b"\\Trash", b"\\Drafts", b"\\Junk", b"\\Archive"} <= set(special)
        client.create_folder("Büro/Αθήνα")
        client.append("INBOX", new_message(subject).as_bytes())
        client.select_folder("INBOX")
        found = client.search(["SUBJECT", subject])
        client.move(found, "Büro/Αθήνα")
        assert client.search(["SUBJECT", subject]) == []
        assert client.folder_status("Büro/Αθήνα", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 1, b"UNSEEN": 1}
        client.select_folder("Büro/Αθήνα")
        envelope = client.fetch([1], ["ENVELOPE", "BODYSTRUCTURE"])
        ((_, data),) = envelope.items()
        assert data[b"ENVELOPE"].subject.decode() == subject
        client.rename_folder("Büro", "Office")
        assert "Office/Αθήνα" in [name for _, _, name in client.list_folders()]


def test_two_clients_see_each_others_changes(server: Instance) -> None:
    subject = new_subject()
    with signed_in(server) as one, signed_in(server) as other:
        assert one.append("INBOX", None, None, new_message(subject).as_bytes())[0] == "OK"
        one.noop()
        other.noop()
        (uid,) = find(other, subject)
        assert fetch(other, uid)["Subject"] == subject
        other.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
        other.expunge()
        one.noop()
        assert find(one, subject) == []


def test_metrics_are_served(server: Instance) -> None:
    with urllib.request.urlopen(f"http://{server.ip}:1081/metrics", timeout=30) as answer:
        text = answer.read().decode()
    assert "# HELP" in text
    assert "mox_" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_accepted_mail_survives_the_end_of_the_server(tmp_path: Path, number: signal.Signals) -> None:
    server = Instance(tmp_path / "data", own_ip(2))
    subjects = [new_subject() for _ in range(5)]
    with server.running():
        for subject in subjects:
            submit(server, subject)
        server.stop(number)
        server.start()
        for subject in subjects:
            arrived(server, subject)
