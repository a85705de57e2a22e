"""From what was found out about a message to what is stored and what its sender hears."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import smtplib
from typing import Any

import pytest

from app.errors import Temporary
from app.smtpserver.conversation import Kind, Service
from app.smtpserver.evidence import Evidence, Origin
from app.smtpserver.judging import Sources
from app.smtpserver.verdict import Content, Wish
from app.store.account import mailboxes, messages, preferences, provenance
from app.store.account.flags import FlagChange, Mode, store
from app.store.account.preferences import Preference
from app.wire.domain import Domain
from app.wire.imap.flags import JUNK, NOTJUNK
from app.wire.smtp.address import parse_address
from tests.smtpserver.world import DOMAINS_CONF, HOST, NOW, World

AUTHOR = parse_address("ann@sender.example")
PROVED: dict[str, Any] = {"is_validated": True, "passes_dmarc": True, "mail_from": AUTHOR, "signers": (AUTHOR.domain,)}
MESSAGE = (
    b"From: ann@sender.example\r\nTo: jane@example.com, lists@example.com\r\nSubject: hello\r\n"
    b"Message-Id: <1@sender.example>\r\n\r\nHello.\r\n"
)
CONF = DOMAINS_CONF.replace(
    "\tjane:\n\t\tDomain: example.com\n",
    """\
	jane:
		Domain: example.com
		RejectsMailbox: Rejects
		SubjectPass:
			Period: 12h
		JunkFilter:
			Threshold: 0.9
			Params:
				MaxPower: 0.01
				TopWords: 10
""",
).replace(
    "\t\t\t\tMailbox: Lists\n",
    """\
				Mailbox: Lists
				MessageAuthRequiredSMTPError: sign your mail
				Rulesets:
					-
						VerifiedDomain: sender.example
						ListAllowDomain: sender.example
						Mailbox: Lists/Ann
					-
						SMTPMailFromRegexp: ^kept@
						AcceptRejectsToMailbox: Kept
						Mailbox: Lists/Kept
""",
)


ID = re.compile(r" \([A-Za-z0-9_-]{22}\)$")  # what error replies end with


class Answers:
    """What the checks and the filter say, to be set by a test."""

    def __init__(self) -> None:
        self.evidence: dict[str, Any] = {"has_reverse_name": True, "has_tls": True, "author": AUTHOR}
        self.probability = 0.01
        self.listed: tuple[str, ...] = ()
        self.may = True
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def __call__(self, origin: Origin, arrived: Any, trusted: Any = ()) -> Evidence:
        self.asked.append("authenticate")
        return Evidence(remote=origin.remote, org_domain=AUTHOR.domain, **self.evidence)

    async def may_send(self, origin: Origin) -> bool:
        self.asked.append("may_send")
        return self.may

    async def classify(self, account: Any, prepared: Any) -> Content:
        self.asked.append("content")
        if self.error is not None:
            raise self.error
        return Content(probability=self.probability, is_significant=True)

    async def block_lists(self, zones: Any, remote: Any) -> tuple[str, ...]:
        self.asked.append("lists")
        return self.listed


@pytest.fixture
def judged(tmp_path):
    world = World(tmp_path, domains_conf=CONF)
    world.answers = Answers()
    sources = Sources(
        queue=world.queue,
        authenticate=world.answers,
        classify=world.answers.classify,
        block_lists=world.answers.block_lists,
        now=lambda: NOW,
        jitter=lambda: 0.0,
    )
    world.resources = dataclasses.replace(world.resources, judges=sources)
    hostname = world.live.static.hostname
    world.services = {
        "smtp": Service(kind=Kind.SMTP, hostname=hostname, zones=(Domain("bl.example"),)),
    }
    yield world
    world.close()


def send(world, *recipients: str, message: bytes = MESSAGE, sender: str = "ann@sender.example"):
    """The refusals by recipient, {} when all took it, or the one reply for all."""

    def client(port: int):
        with smtplib.SMTP(HOST, port, local_hostname="client.example") as smtp:
            try:
                return smtp.sendmail(sender, recipients or ["jane@example.com"], message)
            except smtplib.SMTPDataError as error:
                return error.smtp_code, ID.sub("", error.smtp_error.decode())

    results = []

    async def work(places):
        results.append(await asyncio.to_thread(client, places["smtp"].port))

    world.run_with(work)
    return results[0]


def flag_all(world, mailbox: str, flags: int) -> None:
    account = world._account("jane")

    def change(tx):
        found = mailboxes.get(tx.db, mailbox)
        store(tx, found.id, messages.all_uids(tx.db, found.id), FlagChange(mode=Mode.SET, flags=flags))

    account.write_now(change)


def told(world, mailbox: str):
    account = world._account("jane")

    def read(db):
        found = mailboxes.get(db, mailbox)
        (uid,) = messages.all_uids(db, found.id)
        return provenance.told(db, messages.find(db, found.id, uid).content_id)

    return account.read_now(read)


def test_what_is_fine_is_stored_with_the_reason(judged):
    assert send(judged) == {}
    (stored,) = judged.messages("jane")
    assert stored.startswith(b"X-Mox-Reason: no-bad-signals; nothing speaks against the message\r\nDelivered-To: ")
    assert judged.answers.asked == ["authenticate", "content", "lists"]
    lines = told(judged, "Inbox").trace.splitlines()
    assert lines == [
        "Earlier mail: nothing is known about the sender.",
        "Words: 1.0% junk.",
        "Block lists: not listed.",
        "Delivered to Inbox (no-bad-signals): nothing speaks against the message.",
    ]


def test_junk_is_refused_as_if_something_failed_and_kept_once(judged):
    judged.answers.probability = 0.99
    for _ in range(2):
        assert send(judged) == (451, "4.3.0 error processing, try again later")
    assert judged.messages("jane") == []
    (kept,) = judged.messages("jane", "Rejects")
    assert kept.startswith(b"X-Mox-Reason: junk-content; its words look like junk: 99.0%, refused from\r\n\t90.0%")
    assert told(judged, "Rejects").is_reject
    assert "take it back, or move it to another mailbox" in told(judged, "Rejects").trace


def test_taking_a_refused_message_back_lets_the_next_one_in(judged):
    judged.answers.evidence |= PROVED
    judged.answers.probability = 0.99
    send(judged)
    account = judged._account("jane")
    account.rejects_mailbox = "Rejects"

    def take_back(tx):
        rejects, inbox = mailboxes.get(tx.db, "Rejects"), mailboxes.get(tx.db, "Inbox")
        messages.move(tx, rejects.id, messages.all_uids(tx.db, rejects.id), inbox.id)

    account.write_now(take_back)
    assert send(judged, message=MESSAGE.replace(b"<1@", b"<2@")) == {}
    assert b"X-Mox-Reason: msgfromfull" in judged.messages("jane")[1]


def test_what_is_delivered_after_all_leaves_the_refused_ones(judged):
    judged.answers.probability = 0.99
    send(judged)
    judged.answers.probability = 0.01
    assert send(judged) == {}
    assert judged.messages("jane", "Rejects") == []


def test_the_flags_of_earlier_mail_decide(judged):
    judged.answers.evidence |= PROVED
    send(judged)
    flag_all(judged, "Inbox", JUNK)
    assert send(judged)[0] == 451
    flag_all(judged, "Inbox", NOTJUNK)
    judged.answers.probability, judged.answers.listed = 1.0, ("bl.example",)
    assert send(judged) == {}


def test_whom_the_account_wrote_to_gets_in_only_when_it_is_proved(judged):
    from tests.store.test_submitted import LIMITS, Sender

    message = Sender.message(object.__new__(Sender), str(AUTHOR), account="jane")
    asyncio.run(judged.queue.add(message, LIMITS))
    judged.answers.probability = 1.0
    assert send(judged)[0] == 451
    judged.answers.evidence |= PROVED
    assert send(judged) == {}


def test_dmarc_refuses_or_puts_into_the_junk_mailbox_by_choice(judged):
    judged.answers.evidence["wish"] = Wish.QUARANTINE
    assert send(judged)[0] == 550
    account = judged._account("jane")
    account.write_now(lambda tx: preferences.choose(tx, Preference.QUARANTINE_TO_JUNK, on=True))
    assert send(judged) == {}
    assert len(judged.messages("jane", "Junk")) == 1
    judged.answers.evidence["wish"] = Wish.REJECT
    assert send(judged)[0] == 550


def test_a_list_that_a_rule_allows(judged):
    judged.answers.evidence |= PROVED
    judged.answers.probability = 1.0
    assert send(judged, "lists@example.com") == {}
    assert b"X-Mox-Reason: list-allow;" in judged.messages("jane", "Lists/Ann")[0]


def test_an_address_that_takes_only_what_is_verified(judged):
    judged.answers.evidence |= PROVED | {"is_validated": False, "mail_from": None, "signers": ()}
    assert send(judged, "lists@example.com") == (550, "5.7.26 sign your mail")
    judged.answers.evidence["is_unsure"] = True
    assert send(judged, "lists@example.com") == (451, "4.7.26 sign your mail")


def test_a_rule_takes_what_would_be_refused(judged):
    assert send(judged, "lists@example.com", sender="kept@other.example") == {}
    (kept,) = judged.messages("jane", "Kept")
    assert kept.startswith(b"X-Mox-Reason: msg-auth-required;")


def test_a_token_in_the_subject_lets_the_next_attempt_in(judged, capsys):
    judged.answers.evidence |= PROVED
    judged.answers.listed = ("bl.example: spam",)
    code, text = send(judged)
    assert code == 550
    token = text[text.index("(pass:") :]
    assert send(judged, message=MESSAGE.replace(b"hello", b"hello " + token.encode())) == {}
    assert b"X-Mox-Reason: subjectpass" in judged.messages("jane")[0]
    assert token[6:-1] not in capsys.readouterr().err


def test_a_second_recipient_only_when_spf_vouches(judged):
    judged.answers.may = False
    refused = send(judged, "jane@example.com", "joe@example.com")
    assert refused["joe@example.com"][1].startswith(b"4.5.3 one recipient at a time")
    assert len(judged.messages("jane")) == 1
    judged.answers.may = True
    judged.answers.asked.clear()
    assert send(judged, "jane@example.com", "joe@example.com", "few@example.com") == {}
    assert judged.answers.asked.count("may_send") == 1


def test_a_filter_that_cannot_be_asked_refuses_nothing(judged):
    judged.answers.error = Temporary("busy")
    assert send(judged) == {}
    assert "the filter could not be asked" in told(judged, "Inbox").trace


def test_a_verified_member_may_write_to_a_private_alias(judged):
    assert send(judged, "private@example.com")[0] == 550
    judged.answers.evidence |= PROVED | {"author": parse_address("jane@example.com")}
    assert send(judged, "private@example.com") == {}
    assert len(judged.messages("joe")) == 1
