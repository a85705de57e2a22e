"""The administrator's first page: what is wrong, what changed, and what is still to set up."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.net.authority import AuthoritativeServers
from app.net.dnsexchange import Server
from app.net.selfsigned import make_self_signed
from app.store.queuerecords import Attempt, Ending, Finished
from app.store.signin import SignInAttempt, SignInContext
from app.web.dnswatch import DnsWatch
from app.wire.smtp.address import IPAddress
from tests.support.clock import SetClock
from tests.support.configuration import DOMAINS_CONF, MOX_CONF
from tests.support.dns import DnsServer
from tests.web.admin.test_queue import put
from tests.web.world import Network, World

SCRIPT = "<script>alert(1)</script>"
PUBLIC = MOX_CONF.replace(
    "\t\t\t- 127.0.0.1\n",
    "\t\t\t- 192.0.2.1\n\t\tSMTP:\n\t\t\tEnabled: true\n\t\tTLS:\n\t\t\tKeyCerts:\n"
    "\t\t\t\t-\n\t\t\t\t\tCertFile: cert.pem\n\t\t\t\t\tKeyFile: key.pem\n",
)
NAMES = {
    "example.com": {"NS": ["ns1.example.com"]},
    "ns1.example.com": {"A": ["127.0.0.1"]},
    "mx.example.com": {"A": ["192.0.2.1"]},
    "autoconfig.example.com": {"A": ["192.0.2.1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
}
YEAR_S = 365 * 86400.0


class Answering:
    """Hosts that answer as they should."""

    async def starttls(self, host: str, ip: IPAddress) -> None: ...

    async def https(self, host: str, ip: IPAddress) -> None: ...

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        return ""


@pytest.fixture
def network() -> Iterator[Network]:
    with DnsServer(NAMES) as resolver, DnsServer({}) as zone:
        authority = functools.partial(AuthoritativeServers, port=zone.port, ask_s=0.5)
        watch = DnsWatch(authority=authority, dialler=Answering())
        yield Network(resolvers=[Server(resolver.host, resolver.port)], watch=watch)


def test_a_server_where_nothing_is_wrong_says_so_and_shows_what_changed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        page = admin.get("/admin/").text
        assert "Nothing is wrong" in page
        assert "not been changed yet" in page
        admin.post("/admin/domains-new", {"domain": "new.example", "account": "jane"})
        page = admin.get("/admin/").text
        assert "admin page from" in page
        assert "/admin/configuration/domains.conf/history/2" in page


def test_a_file_that_is_wrong_or_waits_for_a_restart_is_told(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        world.live.path.write_text(world.live.path.read_text().replace("mx.example.com", "mx2.example.com"))
        assert "mox.conf has changed since the start" in admin.get("/admin/").text
        world.live.domains_path.write_text(DOMAINS_CONF + f"Nothing: {SCRIPT}\n")
        page = admin.get("/admin/").text
        assert "The configuration is wrong" in page
        assert SCRIPT not in page


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (0.0, "A certificate is self-made"),
        (YEAR_S - 86400 * 3.5, "A certificate expires soon"),
        (YEAR_S + 86400 * 3.5, "A certificate has expired"),
    ],
)
def test_certificates_are_watched(tmp_path: Path, age_s: float, words: str) -> None:
    start = 1_800_000_000.0
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "cert.pem").write_bytes(make_self_signed(["mx.example.com"], start, 365).certificate)
    with World(tmp_path, mox_conf=PUBLIC, clock=SetClock(start + age_s)) as world:
        page = world.admin().get("/admin/").text
        assert words in page
        assert "3 days" in page or not age_s


def test_a_certificate_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with World(tmp_path, mox_conf=PUBLIC) as world:
        assert "cannot be looked at" in world.admin().get("/admin/").text
        (tmp_path / "config" / "cert.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nx\n")
        assert "no certificate in PEM form" in world.admin().get("/admin/").text


def test_stuck_mail_is_told_with_the_words_of_the_last_attempt(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        (number,) = put(world, "a@one.example", error="greylisted")
        admin = world.admin()
        assert "stuck" not in admin.get("/admin/").text
        for error in ("later", f"450 {SCRIPT}"):
            world.queue._db.write_now(lambda db: db.execute("UPDATE recipient SET next_attempt = 0"))
            put_again(world, number, error)
        page = admin.get("/admin/").text
        assert "1 recipient at one.example" in page
        assert "450 &lt;script&gt;" in page


def put_again(world: World, number: int, error: str) -> None:
    async def attempt() -> None:
        await world.queue.begin([number], lambda attempts: 3600.0)
        done = Attempt(started=1.0, duration_s=1.0, success=False, code=450, error=error, ip="192.0.2.7")
        await world.queue.finish([Finished(id=number, ending=Ending.DEFERRED, attempt=done)])

    portal = world._client.portal
    assert portal is not None
    portal.call(attempt)


def test_many_failed_sign_ins_are_told(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        context = SignInContext(protocol="imap", remote=ipaddress.ip_address("192.0.2.99"), tls=None)
        attempt = SignInAttempt(
            context=context, mechanism="PLAIN", login_address="x", account_name="", result="badcreds"
        )
        portal = world._client.portal
        assert portal is not None
        for _ in range(150):
            portal.call(world.server.attempts.record, attempt)
        page = admin.get("/admin/").text
        assert "At least 150" in page
        assert "192.0.2.99 (150)" in page


def test_a_full_account_and_a_domain_that_is_off_are_told(tmp_path: Path) -> None:
    conf = DOMAINS_CONF.replace("\tjane:\n", "\tjane:\n\t\tQuotaMessageSize: 10\n").replace(
        "\t\tLocalpartCatchall", "\t\tDisabled: true\n\t\tLocalpartCatchall"
    )
    with World(tmp_path, domains_conf=conf) as world:
        world.jane.write_now(lambda tx: tx.db.execute("UPDATE mailbox SET size_bytes = 9 WHERE name = 'Inbox'"))
        admin = world.admin()
        assert "example.com is switched off" in admin.get("/admin/").text
        assert "nearly full" in admin.get("/admin/overview/late").text
        assert "nearly full" in admin.get("/admin/?look=1").text


def test_a_server_for_this_machine_alone_has_no_checklist(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert "Setting up" not in world.admin().get("/admin/overview/late").text


def test_the_checklist_tells_what_the_network_and_the_past_say(tmp_path: Path, network: Network) -> None:
    made = make_self_signed(["mx.example.com"], 1_800_000_000.0)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "cert.pem").write_bytes(made.certificate)
    (tmp_path / "config" / "key.pem").write_bytes(made.key)
    with World(tmp_path, mox_conf=PUBLIC, network=network) as world:
        admin = world.admin()
        assert "Setting up" not in admin.get("/admin/").text, "the page itself must not wait for the network"
        (number,) = put(world, "a@one.example")
        put_again(world, number, "later")
        states = items(admin.get("/admin/overview/late").text)
        assert states["runs"] == "ok"
        assert states["reverse_dns"] == "ok"
        assert states["web_reachable"] == "ok"
        assert states["can_send"] == "ok"
        assert states["has_sent"] == "warn"
        assert states["has_received"] == "warn"
        assert states["records_published"] == "warn"
        assert states["certificate_trusted"] == "warn"


def items(page: str) -> dict[str, str]:
    """The state of each item."""
    parts = page.split('<li id="item-')[1:]
    return {part.split('"')[0]: part.split('class="badge ')[1].split('"')[0] for part in parts}
