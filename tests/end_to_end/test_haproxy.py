"""A server behind HAProxy: mail, submission and IMAP come with the address of who connected to HAProxy, and only so."""

from __future__ import annotations

import contextlib
import smtplib
import socket

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import Site, make_site
from tests.support.built import IS_ROOT, open_place
from tests.support.dns import DnsServer
from tests.support.haproxy import Passed, haproxy

FRONT = (Passed(25, "send-proxy-v2"), Passed(465, "send-proxy-v2"), Passed(993, "send-proxy"))


@pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25")
def test_a_server_behind_haproxy_sees_who_connects_to_haproxy() -> None:
    proxy, person_ip, stranger = own_ip(25), own_ip(26), own_ip(28)
    with DnsServer({}) as dns, open_place() as place:
        resolver = f"{dns.host}:{dns.port}"
        one, two = (
            make_site(place / "one", "one.test", 21, resolver),
            make_site(place / "two", "two.test", 22, resolver),
        )
        put_behind(two, proxy)
        dns.zone |= one.records() | two.records() | {"mx.two.test": {"A": [proxy]}}
        with one.instance.running(), two.instance.running(), haproxy(place, proxy, two.instance.ip, FRONT):
            mail_from_elsewhere(one, two)
            mail_of_a_user(two, proxy, person_ip)
            imap_of_a_user(two, proxy, person_ip)
            claims_of_a_stranger(two, stranger)
            assert wait_for(lambda: "ProxyProtocolFrom" in refused_without_header(two, proxy), two.instance.log)


def put_behind(site: Site, proxy: str) -> None:
    """The site believes this proxy."""
    text = site.config.read_text()
    assert "\t\tSMTP:\n" in text
    setting = f"\t\tProxyProtocolFrom:\n\t\t\t- {proxy}\n\t\tSMTP:\n"
    site.config.write_text(text.replace("\t\tSMTP:\n", setting, 1))
    assert site.command("config", "test").endswith("config OK\n")


def mail_from_elsewhere(one: Site, two: Site) -> None:
    subject = new_subject()
    one.submit(subject, two.person)
    message = two.received(subject)
    assert f"([{one.instance.ip}])" in " ".join(message.get_all("Received", [])[0].split())
    assert "spf=pass" in str(message["Authentication-Results"])


def mail_of_a_user(site: Site, proxy: str, person_ip: str) -> None:
    with smtplib.SMTP_SSL(proxy, 465, timeout=30, context=any_certificate(), source_address=(person_ip, 0)) as client:
        client.login(site.person, site.password(site.person))
        client.send_message(new_message(new_subject(), author=site.person), from_addr=site.person, to_addrs=site.person)
    assert f"from {person_ip}, submission" in site.command("loginattempts", "person")


def imap_of_a_user(site: Site, proxy: str, person_ip: str) -> None:
    with (
        socket.create_connection((proxy, 993), timeout=30, source_address=(person_ip, 0)) as plain,
        any_certificate().wrap_socket(plain) as sock,
        sock.makefile("rb") as replies,
    ):
        assert replies.readline().startswith(b"* OK ")
        sock.sendall(f'a1 LOGIN "{site.person}" "{site.password(site.person)}"\r\n'.encode())
        assert next(line for line in replies if line.startswith(b"a1 ")).startswith(b"a1 OK ")
    assert f"from {person_ip}, imap" in site.command("loginattempts", "person")


def claims_of_a_stranger(site: Site, stranger: str) -> None:
    """Somebody who connects directly and says that it is for another."""
    with (
        socket.create_connection((site.instance.ip, 25), timeout=30, source_address=(stranger, 0)) as sock,
        sock.makefile("rb") as replies,
    ):
        assert replies.readline().startswith(b"220 ")
        sock.sendall(b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n")
        assert replies.readline().startswith(b"5")


def refused_without_header(site: Site, proxy: str) -> str:
    """The log, after a connection from the proxy's address that begins with SMTP."""
    with socket.create_connection((site.instance.ip, 25), timeout=30, source_address=(proxy, 0)) as sock:
        sock.sendall(b"EHLO proxy.test\r\n")
        with contextlib.suppress(ConnectionResetError):  # as it closes without having read
            assert sock.recv(100) == b""
    return site.instance.log()
