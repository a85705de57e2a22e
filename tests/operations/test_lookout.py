"""What the server sees when it looks at DNS and at block lists about itself."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from app.clock import SYSTEM
from app.config.live import Live
from app.metrics import exposition
from app.net.authority import AuthoritativeServers
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from app.operations.dnscheck.states import RecordState, State
from app.operations.dnsrecords import Record
from app.operations.lookout import Lookout, seen_of_records
from app.store.looks import Grade, Look
from app.store.serverdb import ServerDb
from app.wire.domain import Domain
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, write_configuration
from tests.support.dns import DnsServer

ZONE = {
    "example.com": {"NS": ["ns1.example.com"]},
    "ns1.example.com": {"A": ["127.0.0.1"]},
    "mx.example.com": {"A": ["198.51.100.7"]},
    "2.0.0.127.good.example": {"A": ["127.0.0.2"]},
    "2.0.0.127.bad.example": {"A": ["127.0.0.2"]},
    "7.100.51.198.bad.example": {"A": ["127.0.0.2"], "TXT": ["seen sending junk"]},
}
LISTS = "MonitorDNSBLs:\n\t- good.example\n\t- bad.example\n\t- silent.example\n"


async def looked(directory: Path, resolver_port: int, zone_port: int) -> dict[str, Look]:
    """What is kept after one look at everything."""
    live = Live.open(write_configuration(directory, MOX_CONF, DOMAINS_CONF + LISTS), files=False)
    server = ServerDb.open(directory)
    resolver = Resolver([Server("127.0.0.1", resolver_port)])
    authority = functools.partial(AuthoritativeServers, port=zone_port, ask_s=0.5)
    lookout = Lookout(live, server.looks, resolver, SYSTEM, authority)
    try:
        await lookout.look_at_lists()
        await lookout.look_at_dns()
        return {one.thing: one for one in await server.looks.all()}
    finally:
        resolver.close()
        server.close()


def test_lists_and_records_are_looked_at_and_kept(tmp_path: Path) -> None:
    with DnsServer(ZONE) as dns, DnsServer({}) as zone:
        found = asyncio.run(looked(tmp_path, dns.port, zone.port))
    assert found["good.example"].grade is Grade.FINE
    assert found["bad.example"].grade is Grade.ACT
    assert "198.51.100.7 is listed (seen sending junk)" in found["bad.example"].text
    assert found["silent.example"].grade is Grade.UNKNOWN
    assert found["example.com"].grade is Grade.ACT
    assert "MX example.com: missing" in found["example.com"].text
    lines = exposition().decode().splitlines()
    assert 'mox_dnsbl_ips_success{ip="198.51.100.7",zone="bad.example"} 0.0' in lines
    assert 'mox_dnsbl_ips_success{ip="198.51.100.7",zone="good.example"} 1.0' in lines


MX = Record(name="example.com", type="MX", content="10 mx.example.com.")
TLSA = Record(name="_25._tcp.example.com", type="TLSA", content="3 1 1 00", needs_dnssec=True)


@pytest.mark.parametrize(
    ("states", "grade"),
    [
        ([State.SEEN, State.SEEN], Grade.FINE),
        ([State.SEEN, State.UNKNOWN], Grade.UNKNOWN),
        ([State.UNKNOWN, State.PARTLY], Grade.LOOK),
        ([State.FOREIGN, State.WRONG], Grade.ACT),
        ([State.MISSING], Grade.ACT),
    ],
)
def test_the_worst_record_that_matters_decides(states: list[State], grade: Grade) -> None:
    found = [RecordState(record=MX, state=one, sentence="") for one in states]
    ignored = RecordState(record=TLSA, state=State.MISSING, sentence="")
    assert seen_of_records(Domain("example.com"), [*found, ignored]).grade is grade
