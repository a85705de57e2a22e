"""The DNS records of a domain and what is seen of them; DNS servers on loopback addresses stand in for the world's."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.net.authority import AuthoritativeServers
from app.net.dnsexchange import Server
from app.operations.dnscheck.dialling import ProbeFailed
from app.web.dnswatch import DnsWatch
from app.wire.smtp.address import IPAddress
from tests.support.dns import DnsServer
from tests.web.world import Network, World

SCRIPT = "<script>alert(1)</script>"
PUBLIC = {
    "example.com": {"NS": ["ns1.example.com"]},
    "ns1.example.com": {"A": ["127.0.0.1"]},
}


class Unreachable:
    """Hosts that nobody can connect to, for a reason that a stranger chose."""

    async def starttls(self, host: str, ip: IPAddress) -> None:
        raise ProbeFailed(SCRIPT)

    async def https(self, host: str, ip: IPAddress) -> None:
        raise ProbeFailed(SCRIPT)

    async def fetch(self, host: str, ip: IPAddress, path: str) -> str:
        raise ProbeFailed(SCRIPT)


@pytest.fixture
def servers() -> Iterator[tuple[DnsServer, DnsServer]]:
    with DnsServer(PUBLIC) as resolver, DnsServer({}) as zone:
        yield resolver, zone


def network(resolver: DnsServer, zone: DnsServer) -> Network:
    authority = functools.partial(AuthoritativeServers, port=zone.port, ask_s=0.5)
    watch = DnsWatch(authority=authority, dialler=Unreachable())
    return Network(resolvers=[Server(resolver.host, resolver.port)], watch=watch)


def test_the_page_shows_records_without_asking_anybody(tmp_path: Path, servers: tuple[DnsServer, DnsServer]) -> None:
    with World(tmp_path, network=network(*servers)) as world:
        page = world.admin().get("/admin/domains/example.com/dns").text
        assert "10 mx.example.com." in page
        assert 'data-live="/admin/domains/example.com/dns/state"' in page
        assert not servers[1].questions


def test_each_record_gets_its_state_and_what_strangers_wrote_is_text(
    tmp_path: Path, servers: tuple[DnsServer, DnsServer]
) -> None:
    servers[1].zone.update(
        {
            "example.com": {"MX": ["10 mx.example.com"], "TXT": [f"v=spf1 include:{SCRIPT} -all"]},
            "autoconfig.example.com": {"CNAME": ["other.example"]},
        }
    )
    with World(tmp_path, network=network(*servers)) as world:
        admin = world.admin()
        part = admin.get("/admin/domains/example.com/dns/state").text
        assert SCRIPT not in part
        assert "&lt;script&gt;" in part
        for badge in ('badge ok">seen', 'badge bad">missing', "others' record".replace("'", "&#39;")):
            assert badge in part
        assert "<html" not in part
        assert "data-live-done" not in part
        asked = len(servers[1].questions)
        assert "MX" in admin.get("/admin/domains/example.com/dns?look=1").text
        assert len(servers[1].questions) == asked, "the round a moment ago was not shared"


def test_the_check_says_what_is_wrong_and_what_to_do_and_ends(
    tmp_path: Path, servers: tuple[DnsServer, DnsServer]
) -> None:
    servers[0].zone["example.com"]["MX"] = ["10 mx.example.com"]
    servers[0].zone["mx.example.com"] = {"A": ["127.0.0.1"]}
    servers[1].zone["example.com"] = {"MX": ["10 mx.example.com"]}
    with World(tmp_path, network=network(*servers)) as world:
        part = world.admin().get("/admin/domains/example.com/check/result").text
        assert "data-live-done" in part
        assert SCRIPT not in part
        assert "&lt;script&gt;" in part
        assert "v=spf1" in part
        assert "What to do" in part
        whole = world.admin().get("/admin/domains/example.com/check?now=1").text
        assert "<html" in whole
        assert "What to do" in whole


def test_the_zone_file_is_a_download(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        response = world.admin().get("/admin/domains/example.com/dns/zone")
        assert response.headers["content-type"].startswith("text/plain")
        assert response.headers["content-disposition"] == 'attachment; filename="example.com.zone"'
        assert "MX    10 mx.example.com." in response.text


def test_a_key_that_is_gone_is_said_on_the_page(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post("/admin/domains-new", {"domain": "new.example", "account": "jane"})
        for path in (world.live.config_dir / "dkim").iterdir():
            path.unlink()
        for page in ("dns", "dns/zone", "check/result"):
            response = admin.get(f"/admin/domains/new.example/{page}")
            assert response.status_code == 200
            assert "key file cannot be read" in response.text
