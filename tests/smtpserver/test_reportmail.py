"""Mail to an address for reports: kept when its sender is proved, and delivered in any case."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import json
import re
import smtplib
from typing import Any

import pytest

from app import metrics
from app.errors import Temporary
from app.smtpserver.conversation import Kind, Service
from app.smtpserver.evidence import Evidence, Origin
from app.smtpserver.judging import Sources
from app.smtpserver.local import LocalMessage, deliver
from app.smtpserver.verdict import Content
from app.store import receiveddmarc, receivedtls
from app.store.serverdb import ServerDb
from app.wire.domain import Domain
from app.wire.smtp.address import parse_address
from tests.smtpserver.world import DOMAINS_CONF, HOST, NOW, World
from tests.support.clock import SetClock
from tests.wire.reports.samples import GOOGLE, GOOGLE_TLS, MICROSOFT, message, tls_json, zipped

AUTHOR = parse_address("noreply@reports.google.com")
PROVED = {
    "is_validated": True,
    "passes_dmarc": True,
    "signers": (Domain("google.com"),),
    "report_signers": (Domain("google.com"),),
}
CONF = DOMAINS_CONF.replace(
    "\t\tLocalpartCatchallSeparator: +\n",
    """\
		LocalpartCatchallSeparator: +
		DMARC:
			Localpart: dmarc
			Account: jane
			Mailbox: DMARC
		TLSRPT:
			Localpart: tls
			Account: jane
			Mailbox: TLSRPT
""",
    1,
)
DMARC = message(zipped({"google.com!example.com!1!2.xml": GOOGLE.encode()}), "application/zip", "r.zip")
TLS = message(tls_json(), "application/tlsrpt+gzip", "r.json.gz")


class ReportWorld(World):
    """Jane gets the reports; what the checks find is told by `evidence`."""

    def __init__(self, directory: Any) -> None:
        super().__init__(directory, domains_conf=CONF)
        self.server = ServerDb.open(directory / "data", SetClock(NOW))
        self.evidence: dict[str, Any] = dict(PROVED)
        sources = Sources(
            queue=self.queue, authenticate=self, classify=self._none, block_lists=self._none, now=lambda: NOW
        )
        self.resources = dataclasses.replace(self.resources, judges=sources, reports=self.server.reports)
        self.services = {"smtp": Service(kind=Kind.SMTP, hostname=self.live.static.hostname)}

    async def __call__(self, origin: Origin, arrived: Any, trusted: Any = ()) -> Evidence:
        return Evidence(remote=origin.remote, author=AUTHOR, has_reverse_name=True, **self.evidence)

    async def may_send(self, origin: Origin) -> bool:
        return True

    async def _none(self, *_: Any) -> Any:
        return Content(probability=0.0, is_significant=False)

    def send(self, recipient: str, data: bytes) -> None:
        def client(port: int) -> None:
            with smtplib.SMTP(HOST, port, local_hostname="client.example") as smtp:
                assert smtp.sendmail("noreply@google.com", [recipient], data) == {}

        async def work(places: Any) -> None:
            await asyncio.to_thread(client, places["smtp"].port)

        self.run_with(work)

    def kept(self) -> tuple[list[Any], list[Any]]:
        return (
            self.server.db.read_now(lambda db: receiveddmarc.reports(db, 0)),
            self.server.db.read_now(lambda db: receivedtls.reports(db, 0)),
        )

    def error(self, mailbox: str) -> str:
        """What stands in the field of the newest message; "" without the field."""
        stored = self.messages("jane", mailbox)[-1]
        found = re.match(rb"X-Mox-(?:DMARC|TLS)Report-Error: ((?:[^\r]|\r\n\t)*)\r\n", stored)
        return found[1].replace(b"\r\n\t", b" ").decode() if found else ""


@pytest.fixture
def world(tmp_path):
    made = ReportWorld(tmp_path)
    yield made
    made.server.close()
    made.close()


def test_dmarc_report_is_kept_once_and_delivered_each_time(world):
    before = metrics.exposition().decode()
    for _ in range(2):
        world.send("dmarc@example.com", DMARC)
        assert world.error("DMARC") == ""
    (kept,), _ = world.kept()
    assert (kept.reporter, kept.organisation, kept.domain) == ("reports.google.com", "google.com", "example.com")
    assert (kept.messages, kept.passed) == (15, 12)
    assert len(world.messages("jane", "DMARC")) == 2
    name = 'mox_dmarcdb_policy_evaluated_total{disposition="quarantine",dkim="fail",spf="fail"}'
    assert counted(metrics.exposition().decode(), name) - counted(before, name) == 3


def counted(text: str, name: str) -> float:
    found = re.search(re.escape(name) + r" ([\d.]+)", text)
    return float(found[1]) if found else 0.0


def test_tls_report_is_kept(world):
    world.send("tls@example.com", TLS)
    assert world.error("TLSRPT") == ""
    _, (kept,) = world.kept()
    assert (kept.successful, kept.failed, kept.domain) == (41, 2, "example.com")
    assert 'mox_tlsrptdb_session_total{type="certificate-expired"}' in metrics.exposition().decode()


@pytest.mark.parametrize(
    ("evidence", "is_kept"),
    [
        ({"report_signers": (Domain("reports.google.com"),)}, True),
        ({"report_signers": (Domain("google.com"),)}, True),
        ({"report_signers": (), "signers": (Domain("google.com"),)}, False),  # a key for other mail only
        ({"report_signers": (Domain("com"),)}, False),
        ({"report_signers": (Domain("a.reports.google.com"),)}, False),
        ({"report_signers": (Domain("example.net"),)}, False),
    ],
)
def test_tls_report_counts_when_the_organisation_of_its_author_has_signed_it(world, evidence, is_kept):
    world.evidence |= evidence
    world.send("tls@example.com", TLS)
    assert bool(world.kept()[1]) is is_kept
    assert ("has not signed" in world.error("TLSRPT")) is not is_kept


def test_dmarc_report_without_proof_is_delivered_with_the_reason(world):
    world.evidence |= {"passes_dmarc": False}
    world.send("dmarc@example.com", DMARC)
    assert "does not pass DMARC" in world.error("DMARC")
    assert world.kept() == ([], [])


def of_other_domain() -> bytes:
    ours = "<domain>example.com</domain><adkim>"
    return message(GOOGLE.replace(ours, ours.replace("example.com", "other.example")).encode(), "text/xml")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (of_other_domain(), "about other.example, which is no domain of ours"),
        (message(GOOGLE.replace("1795305599", str(int(NOW) + 62)).encode(), "text/xml"), "in the future"),
        (message(b"hello", "text/xml"), "no DMARC report in the message"),
        (message("<feedback>\u202e\n".encode(), "text/xml"), "broken at line 2"),
        (b"From: x@google.com\r\n\r\nPlease buy.\r\n", "no DMARC report in the message"),
    ],
)
def test_dmarc_report_that_cannot_be_used_is_delivered_with_the_reason(world, data, words):
    world.send("dmarc@example.com", data)
    assert words in world.error("DMARC")
    assert world.kept() == ([], [])


def test_report_may_end_within_a_minute(world):
    world.send("dmarc@example.com", message(GOOGLE.replace("1795305599", str(int(NOW) + 59)).encode(), "text/xml"))
    assert world.error("DMARC") == ""


def test_of_a_tls_report_only_our_domains_are_kept(world):
    other = json.loads(json.dumps(GOOGLE_TLS).replace("example.com", "other.example"))
    world.send("tls@example.com", message(gzip.compress(json.dumps(other).encode()), "application/tlsrpt+gzip"))
    assert "about other.example, not about a domain of ours" in world.error("TLSRPT")
    both = GOOGLE_TLS | {"policies": [*GOOGLE_TLS["policies"], *other["policies"]]}
    world.send("tls@example.com", message(gzip.compress(json.dumps(both).encode()), "application/tlsrpt+gzip"))
    _, (kept,) = world.kept()
    assert kept.domain == "example.com"


def test_same_id_from_another_sender_is_another_report(world, monkeypatch):
    world.send("dmarc@example.com", DMARC)
    monkeypatch.setattr("tests.smtpserver.test_reportmail.AUTHOR", parse_address("a@evil.example"))
    world.send("dmarc@example.com", DMARC)
    assert {one.reporter for one in world.kept()[0]} == {"reports.google.com", "evil.example"}


def test_report_at_another_address_is_only_mail(world):
    world.send("jane@example.com", DMARC)
    assert world.kept() == ([], [])


def test_full_disk_delays_no_mail(world, monkeypatch):
    async def fail(*_: Any) -> bool:
        raise Temporary("disk full")

    monkeypatch.setattr(world.server.reports, "add_dmarc", fail)
    world.send("dmarc@example.com", DMARC)
    assert world.error("DMARC") == "the report cannot be kept now"


def test_report_of_our_own_queue_is_kept(world):
    recipient, sender = parse_address("dmarc@example.com"), parse_address("noreply@mail.example.com")
    local = LocalMessage(
        reverse_path=sender, recipient=recipient, prefix=b"", data=message(MICROSOFT.encode(), "text/xml")
    )
    reply = asyncio.run(deliver(world.resources, local))
    assert not reply.is_permanent
    assert [one.reporter for one in world.kept()[0]] == [""]
