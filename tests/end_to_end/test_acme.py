"""Certificates that come by themselves, from Pebble, for every name that the configuration needs."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, wait_for
from tests.end_to_end.sites import Site, make_site
from tests.support.built import IS_ROOT, open_place
from tests.support.dns import DnsServer
from tests.support.pebble import BINDING_ID, PEBBLE, Pebble, running_pebble
from tests.web.world import csrf_of

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="needs root, for ports 25, 80 and 443"),
    pytest.mark.skipif(not PEBBLE, reason="needs pebble (Debian: apt install pebble)"),
]

DOMAIN = "keys.test"
NAMES = (f"mx.{DOMAIN}", f"autoconfig.{DOMAIN}", f"mail.{DOMAIN}", f"mta-sts.{DOMAIN}")
ACME = """ACME:
	small:
		DirectoryURL: {url}
		ContactEmail: person@keys.test
TLS:
	CA:
		AdditionalToSystem: true
		CertFiles:
			- {root}
"""


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer({}) as server:
        yield server


@contextlib.contextmanager
def site_with_pebble(dns: DnsServer, **faults: str) -> Iterator[tuple[Site, Pebble]]:
    """A server that is not started yet, and the authority that its configuration names."""
    with open_place() as place:
        site = make_site(place / DOMAIN, DOMAIN, 21, f"{dns.host}:{dns.port}")
        dns.zone |= site.records()
        with running_pebble(place / "pebble", own_ip(25), dns, **faults) as pebble:
            (root := site.config.parent / "pebble-root.pem").write_bytes(pebble.root.read_bytes())
            root.chmod(0o644)
            use_acme(site.config, pebble)
            yield site, pebble


def use_acme(config: Path, pebble: Pebble) -> None:
    """Have the public listener take its certificates from the authority."""
    text = re.sub(r"\t\t\tKeyCerts:\n(?:\t\t\t\t.*\n|\n(?=\t\t\t\t))+", "\t\t\tACME: small\n", config.read_text())
    acme = ACME.format(url=pebble.directory_url, root="pebble-root.pem")
    config.write_text(text.replace("Listeners:\n", f"{acme}Listeners:\n", 1))


def served(site: Site, name: str | None, port: int = 443) -> x509.Certificate:
    """The certificate that a client gets who asks for the name."""
    if port == 25:
        with smtplib.SMTP(site.instance.ip, 25, timeout=10) as client:
            client._host = name or site.instance.ip  # type: ignore[attr-defined]
            client.starttls(context=any_certificate())
            assert isinstance(client.sock, ssl.SSLSocket)
            der = client.sock.getpeercert(binary_form=True)
    else:
        with (
            socket.create_connection((site.instance.ip, port), timeout=10) as plain,
            any_certificate().wrap_socket(plain, server_hostname=name) as secure,
        ):
            der = secure.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def names_of(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def is_of_pebble(certificate: x509.Certificate) -> bool:
    return "Pebble" in certificate.issuer.rfc4514_string()


def has_come(site: Site, name: str, port: int = 443) -> bool:
    """Whether a client who asks for the name gets a certificate of the authority for it."""
    try:
        certificate = served(site, name, port)
    except (OSError, smtplib.SMTPException):
        return False
    return is_of_pebble(certificate) and names_of(certificate) == [name]


def test_every_name_gets_one_and_every_service_uses_it(dns: DnsServer) -> None:
    with site_with_pebble(dns, PEBBLE_WFE_NONCEREJECT="20") as (site, _), site.instance.running():
        for name in NAMES:
            wait_for(lambda name=name: has_come(site, name), site.instance.log)
        for port in (25, 465, 993):
            assert has_come(site, NAMES[0], port)
        assert names_of(served(site, "elsewhere.test", 993)) == [NAMES[0]], "mail programs ask for odd names"
        assert names_of(served(site, None, 25)) == [NAMES[0]]
        for unknown in ("elsewhere.test", None):
            with pytest.raises(ssl.SSLError):
                served(site, unknown, 443)
        acme = site.config.parent.parent / "data" / "acme"
        files = [path for path in acme.rglob("*") if path.is_file()]
        assert {path.name for path in files} == {"small.key", *NAMES}
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert {path.stat().st_uid for path in files} != {0}, "not root's"


def test_account_is_bound_to_one_that_the_authority_knows(dns: DnsServer) -> None:
    key = "dGhlIGF1dGhvcml0eSBrbm93cyB0aGlzIGtleSBvZiBvdXJzIQ"
    with site_with_pebble(dns, binding_key=key) as (site, _):
        unbound = site.config.read_text()
        with site.instance.running():
            wait_for(lambda: "Set ExternalAccountBinding in mox.conf." in site.instance.log(), site.instance.log)
        binding = f"\t\tExternalAccountBinding:\n\t\t\tKeyID: {BINDING_ID}\n\t\t\tKeyFile: binding.key\n"
        site.config.write_text(unbound.replace("\t\tContactEmail:", f"{binding}\t\tContactEmail:"))
        (site.config.parent / "binding.key").write_text(f"{key}\n")
        with site.instance.running(), admin_pages(site) as browser:
            asked = {"csrf": csrf_of(browser.get("/admin/certificates")), "name": NAMES[0]}
            assert browser.post("/admin/certificates/try", data=asked).status_code == 303
            wait_for(lambda: has_come(site, NAMES[0]), site.instance.log)
            assert key not in site.instance.log()


def test_over_plain_http_when_the_other_way_fails(dns: DnsServer) -> None:
    with site_with_pebble(dns) as (site, _):
        text = site.config.read_text().replace("\t\tContactEmail:", "\t\tPort: 8443\n\t\tContactEmail:")
        for service in ("AutoconfigHTTPS", "MTASTSHTTPS", "WebserverHTTPS"):
            text = text.replace(f"\t\t{service}:\n", f"\t\t{service}:\n\t\t\tPort: 8443\n")
        site.config.write_text(text)
        with site.instance.running(), admin_pages(site) as browser:
            wait_for(lambda: site.instance.log().count("no certificate") == len(NAMES), site.instance.log)
            page = browser.get("/admin/certificates").text
            assert page.count("Ports 80 and 443 must be open from everywhere") == len(NAMES)
            assert "A certificate does not come" in browser.get("/admin/").text
            asked = {"csrf": csrf_of(browser.get("/admin/certificates")), "name": NAMES[0]}
            assert browser.post("/admin/certificates/try", data=asked).status_code == 303
            wait_for(lambda: has_come(site, NAMES[0], 993), site.instance.log)
            assert "in use" in browser.get("/admin/certificates").text


@contextlib.contextmanager
def admin_pages(site: Site) -> Iterator[httpx.Client]:
    """The administrator's pages of a site, signed in."""
    with httpx.Client(base_url=f"http://{site.internal_ip}", headers={"Host": "localhost"}, timeout=30) as browser:
        password = re.search(r"^Admin password: (\S+)$", site.printed, re.MULTILINE)
        assert password is not None, site.printed
        fields = {"csrf": csrf_of(browser.get("/admin/login")), "password": password[1]}
        assert browser.post("/admin/login", data=fields).status_code == 303
        yield browser


def test_renewed_in_time_and_kept_over_a_kill(dns: DnsServer) -> None:
    with site_with_pebble(dns, validity_s="18") as (site, _), site.instance.running():
        wait_for(lambda: has_come(site, NAMES[0]), site.instance.log)
        first = served(site, NAMES[0])
        site.instance.stop(signal.SIGKILL)
        site.instance.start()
        assert served(site, NAMES[0]) == first, "it is kept"
        site.instance.stop()
        time.sleep(max(0.0, first.not_valid_before_utc.timestamp() + 13 - time.time()))  # its life goes on
        site.instance.start()
        wait_for(lambda: has_come(site, NAMES[0]) and served(site, NAMES[0]) != first, site.instance.log)


def test_the_key_of_the_host_stays_the_same(dns: DnsServer) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    with site_with_pebble(dns) as (site, _):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = site.config.parent / "host.pem"
        path.write_bytes(pem)
        os.chmod(path, 0o600)
        text = site.config.read_text()
        lines = "\t\t\tACME: small\n\t\t\tHostPrivateKeyFiles:\n\t\t\t\t- host.pem\n"
        site.config.write_text(text.replace("\t\t\tACME: small\n", lines))
        with site.instance.running():
            wait_for(lambda: has_come(site, NAMES[0]), site.instance.log)
            form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            assert served(site, NAMES[0]).public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
            wait_for(lambda: has_come(site, NAMES[1]), site.instance.log)
            assert served(site, NAMES[1]).public_key().public_bytes(*form) != key.public_key().public_bytes(*form)
