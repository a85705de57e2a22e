"""Mail from one of our servers to another through microsocks: the other sees, and believes, the proxy's address."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import new_subject
from tests.end_to_end.sites import Site, make_site
from tests.support.built import IS_ROOT, open_place
from tests.support.dns import DnsServer
from tests.support.socksproxy import microsocks

EXIT = "exit.one.test"


@pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25")
def test_mail_takes_the_proxy_and_passes_spf_with_the_records_that_we_print() -> None:
    origin = own_ip(27)
    with microsocks(origin) as port, DnsServer({}) as dns, open_place() as place:
        resolver = f"{dns.host}:{dns.port}"
        one, two = (
            make_site(place / "one", "one.test", 21, resolver),
            make_site(place / "two", "two.test", 22, resolver),
        )
        send_through(one, port, origin)
        dns.zone |= one.records() | two.records() | {EXIT: {"A": [origin]}}
        spf = next(line for line in one.command("config", "dnsrecords", "one.test").splitlines() if " ~all" in line)
        assert f"ip4:{origin} " in spf
        dns.zone["one.test"]["TXT"] = [spf.split('"')[1]]
        subject = new_subject()
        with one.instance.running(), two.instance.running():
            one.submit(subject, two.person)
            message = two.received(subject)
        assert f"from {EXIT} ([{origin}])" in " ".join(message.get_all("Received", [])[0].split())
        assert "spf=pass" in str(message["Authentication-Results"])


def send_through(site: Site, port: int, origin: str) -> None:
    """All mail of the site goes through the proxy."""
    socks = f"\t\t\tAddress: localhost:{port}\n\t\t\tRemoteIPs:\n\t\t\t\t- {origin}\n\t\t\tRemoteHostname: {EXIT}\n"
    with site.config.open("a") as file:
        file.write(f"Transports:\n\texit:\n\t\tSocks:\n{socks}")
    with site.domains_conf.open("a") as file:
        file.write("Routes:\n\t-\n\t\tTransport: exit\n")
