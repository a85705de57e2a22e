"""Servers from the built file obey what a domain publishes: an MTA-STS policy on a web server, TLSA records in DNS.

The other server has a certificate that no authority vouches for, as `quickstart` makes one without ACME.
"""

from __future__ import annotations

import http.server
import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.trust.dane import make_record
from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, new_subject, wait_for
from tests.end_to_end.sites import Site, make_site
from tests.support.authority import Authority
from tests.support.built import IS_ROOT, open_place
from tests.support.dns import DnsServer

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.two.test\r\nmax_age: 86400\r\n"


class _PolicyHost(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the library's name
        assert self.path == "/.well-known/mta-sts.txt"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(POLICY)))
        self.end_headers()
        self.wfile.write(POLICY)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def policy_host(ip: str, context: ssl.SSLContext) -> Iterator[None]:
    with http.server.ThreadingHTTPServer((ip, 443), _PolicyHost) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def certificate_of(site: Site) -> bytes:
    """What the server shows to other servers."""
    with smtplib.SMTP(site.instance.ip, 25, timeout=30) as client:
        client.starttls(context=any_certificate())
        assert isinstance(client.sock, ssl.SSLSocket)
        shown = client.sock.getpeercert(binary_form=True)
    assert shown is not None
    return shown


@pytest.mark.skipif(not IS_ROOT, reason="needs root, for ports 25 and 443")
def test_policy_stops_mail_and_tlsa_records_let_it_through(tmp_path: Path) -> None:
    root = Authority("root")
    web = own_ip(30)
    with (
        policy_host(web, root.leaf("mta-sts.two.test").server(tmp_path)),
        DnsServer({}) as dns,
        open_place() as place,
    ):
        (place / "root.pem").write_bytes(root.pem)
        resolver = f"{dns.host}:{dns.port}"
        one, two = (make_site(place / name, f"{name}.test", at, resolver) for name, at in (("one", 25), ("two", 26)))
        one.instance.settings["SSL_CERT_FILE"] = str(place / "root.pem")
        dns.zone |= one.records() | two.records()
        dns.zone["mta-sts.two.test"] = {"A": [web]}
        dns.zone["_mta-sts.two.test"] = {"TXT": ["v=STSv1; id=1"]}
        for name in ("two.test", "mx.two.test"):
            dns.zone[name]["AD"] = True
        subject = new_subject()
        with two.instance.running():
            with one.instance.running():
                assert "mode: enforce" in one.command("mtasts", "lookup", "two.test")
                one.submit(subject, two.person)
                wait_for(lambda: "two.test demands encryption" in one.command("queue", "list"), one.instance.log)
                assert not two.stored("SUBJECT", f'"{subject}"')
            record = make_record(3, 1, 1, certificate_of(two))
            dns.zone["_25._tcp.mx.two.test"] = {"TLSA": [f"3 1 1 {record.data.hex()}"], "AD": True}
            with one.instance.running():
                one.command("queue", "schedule", "-to", two.person, "-now", "0s")
                message = two.received(subject)
        assert "with ESMTPS" in " ".join(message.get_all("Received", [])[0].split())
