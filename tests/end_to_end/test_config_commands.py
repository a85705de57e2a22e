"""Accounts, addresses and aliases changed by command while the built server runs; a mail program sees it at once."""

from __future__ import annotations

import imaplib
import smtplib
import time

import pytest

from tests.end_to_end.reading import ACCOUNT, PASSWORD, any_certificate, new_message, new_subject
from tests.support.built import Instance, mox

WAIT_S = 30
ZOE = "zoe@localhost"


def typed(server: Instance, *words: str, given: str = "") -> str:
    return mox("-config", str(server.directory / "mox.conf"), *words, given=given)


def signed_in(server: Instance, password: str = "a long password") -> imaplib.IMAP4:
    client = imaplib.IMAP4(server.ip, 1143, timeout=30)
    client.login(ZOE, password)
    return client


def send(server: Instance, to: str) -> str:
    subject = new_subject()
    with smtplib.SMTP(server.ip, 1587, timeout=30) as client:
        client.starttls(context=any_certificate())
        client.login(ACCOUNT, PASSWORD)
        client.send_message(new_message(subject), from_addr=ACCOUNT, to_addrs=[to])
    return subject


def await_message(client: imaplib.IMAP4, subject: str) -> None:
    limit = time.monotonic() + WAIT_S
    while time.monotonic() < limit:
        assert client.select("INBOX")[0] == "OK"
        if client.uid("SEARCH", "SUBJECT", f'"{subject}"')[1] != [b""]:
            return
        time.sleep(0.1)
    raise AssertionError(f"{subject} did not arrive")


def test_an_account_made_by_command_gets_mail_goes_and_comes_back_with_it(server: Instance) -> None:
    typed(server, "config", "account", "add", "zoe", ZOE)
    typed(server, "setaccountpassword", "zoe", given="a long password\n")
    typed(server, "config", "alias", "add", "team@localhost", ZOE, ACCOUNT)
    subject = send(server, "team@localhost")
    client = signed_in(server)
    await_message(client, subject)
    number = typed(server, "config", "account", "rm", "zoe").split()[-1]
    with pytest.raises(imaplib.IMAP4.abort, match="cannot be used any more"):
        client.noop()
    with pytest.raises(imaplib.IMAP4.error):
        signed_in(server)
    assert typed(server, "config", "alias", "print", "team@localhost").endswith(f"\nmember {ACCOUNT}\n")
    typed(server, "config", "account", "restore", number)
    with signed_in(server) as again:
        await_message(again, subject)
    assert f"member {ZOE}\n" in typed(server, "config", "alias", "print", "team@localhost")


def test_commands_go_on_without_the_server(server: Instance) -> None:
    server.stop()
    typed(server, "config", "address", "add", "other@localhost", "mox")
    assert typed(server, "config", "address", "account", "OTHER@localhost") == "mox\n"
    server.start()
    assert "other@localhost" in typed(server, "config", "account", "addresses", "mox").splitlines()


def test_examples_travel_in_the_built_file() -> None:
    names = [line.split()[0] for line in mox("config", "example").splitlines()]
    assert "transport" in names
    text = mox("config", "example", names[-1])
    assert text.startswith("# ")
    assert "# In domains.conf:\n" in text
