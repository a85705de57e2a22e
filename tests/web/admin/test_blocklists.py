"""Block lists: what they say of our addresses, and which are looked at."""

from __future__ import annotations

from pathlib import Path

from app.net.dnsexchange import Server
from app.web.dnswatch import DnsWatch
from app.wire.domain import Domain
from tests.support.dns import DnsServer
from tests.web.world import Network, World

HEALTHY = {"2.0.0.127.good.example": {"A": ["127.0.0.2"]}, "2.0.0.127.bad.example": {"A": ["127.0.0.2"]}}
ZONE = {
    "mx.example.com": {"A": ["198.51.100.7"]},
    "7.100.51.198.bad.example": {"A": ["127.0.0.2"], "TXT": ["<b>seen sending junk</b>"]},
    "1.0.0.127.liar.example": {"A": ["127.0.0.2"]},
    "2.0.0.127.liar.example": {"A": ["127.0.0.2"]},
    **HEALTHY,
}


def test_each_list_tells_about_each_address(tmp_path: Path) -> None:
    with (
        DnsServer(ZONE) as dns,
        World(tmp_path, network=Network(resolvers=[Server(dns.host, dns.port)], watch=DnsWatch())) as world,
    ):
        admin = world.admin()
        assert "No list is looked at yet" in admin.get("/admin/blocklists").text
        lists = "good.example\nBAD.example\nliar.example\nbad.example"
        assert admin.post("/admin/blocklists", {"zones": lists}).status_code == 303
        names = ("good.example", "bad.example", "liar.example")
        assert world.live.dynamic.monitor_dnsbls == tuple(map(Domain, names))
        page = admin.get("/admin/blocklists").text
        assert "198.51.100.7" in page
        assert page.count(">not listed<") == 1
        assert page.count(">listed<") == 1
        assert "&lt;b&gt;seen sending junk&lt;/b&gt;" in page
        assert "must not be used" in page


def test_what_is_no_domain_is_told(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        page = world.admin().post("/admin/blocklists", {"zones": "good.example\nno domain"})
        assert page.status_code == 422
        assert "no domain is no domain name" in page.text
        assert world.live.dynamic.monitor_dnsbls == ()
