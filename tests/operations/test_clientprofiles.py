"""What mail programs fetch, for servers with TLS, with STARTTLS, without either, and with hostile names."""

from __future__ import annotations

import ipaddress
import plistlib
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from app.config.dynamic import ConfigDomain, MtaSts, MtaStsMode
from app.config.listener import Imap, Imaps, KeyCert, Listener, ListenerTls, Submission, Submissions
from app.config.schema import Seconds
from app.config.static import Postmaster, Static
from app.errors import Refusal
from app.log import Level
from app.operations.clientprofiles import (
    apple_profile,
    autodiscover_reply,
    client_config,
    mtasts_policy,
    profile_path,
)
from app.operations.clientsettings import Offer, make_offer
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address, parse_address

DOMAIN = Domain("example.org")
JANE = parse_address("jane@example.org")
IPS = (ipaddress.ip_address("127.0.0.1"),)
TLS = ListenerTls(key_certs=(KeyCert(cert_file="crt", key_file="key"),))
BOTH = Listener(
    ips=IPS,
    tls=TLS,
    imap=Imap(enabled=True),
    imaps=Imaps(enabled=True),
    submission=Submission(enabled=True),
    submissions=Submissions(enabled=True),
)
STARTTLS = Listener(ips=IPS, tls=TLS, imap=Imap(enabled=True), submission=Submission(enabled=True))
NO_TLS = Listener(
    ips=IPS,
    imap=Imap(enabled=True, port=1143, no_require_starttls=True),
    submission=Submission(enabled=True, port=1587, no_require_starttls=True),
)
POX = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


def offer(listeners: dict[str, Listener], domain: Domain = DOMAIN, client: Domain | None = None) -> Offer:
    static = Static(
        data_dir="data",
        log_level=Level.INFO,
        hostname=Domain("mx.example.org"),
        listeners=listeners,
        postmaster=Postmaster(account="jane", mailbox="Postmaster"),
    )
    return make_offer(static, domain, ConfigDomain(client_settings_domain=client))


def servers(data: bytes, tag: str) -> list[dict[str, Sequence[str]]]:
    """The servers of a clientConfig, each as its texts by tag."""
    found = []
    for server in ElementTree.fromstring(data).iterfind(f"emailProvider/{tag}"):
        texts: dict[str, list[str]] = {}
        for child in server:
            texts.setdefault(child.tag, []).append(child.text or "")
        found.append(texts)
    return found


def test_tls_from_the_start_comes_first_and_takes_the_password_as_it_is():
    data = client_config(offer({"public": BOTH}, client=Domain("mail.example.org")), "jane@example.org")
    first, second = servers(data, "incomingServer")
    assert first == {
        "hostname": ["mail.example.org"],
        "port": ["993"],
        "socketType": ["SSL"],
        "username": ["jane@example.org"],
        "authentication": ["password-cleartext", "password-encrypted"],
    }
    assert (second["port"], second["socketType"]) == (["143"], ["STARTTLS"])
    assert [one["port"] for one in servers(data, "outgoingServer")] == [["465"], ["587"]]
    root = ElementTree.fromstring(data)
    assert root.attrib == {"version": "1.1"}
    provider = root.find("emailProvider")
    assert provider is not None
    assert provider.attrib == {"id": "example.org"}
    assert provider.findtext("domain") == "example.org"
    assert [one.get("type") for one in provider if one.tag.endswith("Server")] == ["imap", "imap", "smtp", "smtp"]


def test_without_tls_no_format_asks_for_a_password_in_the_clear():
    there = offer({"public": NO_TLS})
    for tag in ("incomingServer", "outgoingServer"):
        (server,) = servers(client_config(there), tag)
        assert server["socketType"] == ["plain"]
        assert server["authentication"] == ["password-encrypted"]
    (mail,) = plistlib.loads(apple_profile(there, [JANE], ""))["PayloadContent"]
    assert mail["IncomingMailServerAuthentication"] == mail["OutgoingMailServerAuthentication"] == "EmailAuthCRAMMD5"
    assert mail["IncomingMailServerUseSSL"] is mail["OutgoingMailServerUseSSL"] is False
    with pytest.raises(Refusal, match="no TLS"):
        autodiscover_reply(there, JANE)


def test_a_way_in_which_nobody_can_sign_in_is_not_offered():
    closed = Listener(ips=IPS, imap=Imap(enabled=True), submission=Submission(enabled=True))  # needs TLS, has none
    with pytest.raises(Refusal, match="IMAP"):
        offer({"public": closed})


def test_a_server_that_takes_no_mail_from_programs_says_so():
    with pytest.raises(Refusal, match="Submission"):
        offer({"public": Listener(ips=IPS, tls=TLS, imaps=Imaps(enabled=True))})


def test_listeners_besides_public_are_told_only_when_public_is_not_enough():
    hosts = {way.host.ascii for way in offer({"inside": NO_TLS, "public": BOTH}).incoming}
    assert hosts == {"mx.example.org"}
    assert {way.port for way in offer({"inside": NO_TLS, "public": BOTH}).incoming} == {143, 993}
    only_smtp = Listener(ips=IPS, tls=TLS, submissions=Submissions(enabled=True))
    found = offer({"public": only_smtp, "mail": STARTTLS})
    assert [(way.port, way.listener) for way in found.outgoing] == [(465, "public"), (587, "mail")]


def test_the_same_way_of_two_listeners_is_told_once():
    assert [way.port for way in offer({"one": BOTH, "two": BOTH}).incoming] == [993, 143]


def test_internationalised_domains_are_ascii_for_programs_and_unicode_for_people():
    domain = parse_domain("bücher.example")
    data = client_config(offer({"public": BOTH}, domain))
    root = ElementTree.fromstring(data)
    assert root.findtext("emailProvider/domain") == "xn--bcher-kva.example"
    assert root.findtext("emailProvider/displayName") == "bücher.example"
    assert servers(data, "incomingServer")[0]["username"] == ["%EMAILADDRESS%"]


def test_markup_in_an_address_stays_text():
    hostile = parse_address('"<username>&amp;]]>"@example.org')
    (first, _) = servers(client_config(offer({"public": BOTH}), str(hostile)), "incomingServer")
    assert first["username"] == [str(hostile)]
    reply = ElementTree.fromstring(autodiscover_reply(offer({"public": BOTH}), hostile))
    assert reply.findtext(f".//{POX}DisplayName") == str(hostile)


@pytest.mark.parametrize("localpart", ["a\ufffe", "a\ud800", "a\uffff"])
def test_characters_that_xml_cannot_hold_are_refused(localpart: str):
    address = Address(localpart, Domain("example.org"))
    there = offer({"public": BOTH})
    for write in (
        lambda: client_config(there, str(address)),
        lambda: autodiscover_reply(there, address),
        lambda: apple_profile(there, [JANE, address], ""),
    ):
        with pytest.raises(Refusal, match="characters"):
            write()
    with pytest.raises(Refusal, match="characters"):
        apple_profile(there, [JANE], "Jane\x00")


@pytest.mark.parametrize(
    ("listener", "ports", "encryption"), [(BOTH, ["993", "465"], "SSL"), (STARTTLS, ["143", "587"], "TLS")]
)
def test_autodiscover_tells_imap_and_smtp_with_their_kind_of_tls(listener: Listener, ports: list[str], encryption: str):
    reply = ElementTree.fromstring(autodiscover_reply(offer({"public": listener}), JANE))
    protocols = reply.findall(f"{POX}Response/{POX}Account/{POX}Protocol")
    assert [one.findtext(f"{POX}Type") for one in protocols] == ["IMAP", "SMTP"]
    assert [one.findtext(f"{POX}Port") for one in protocols] == ports
    for protocol in protocols:
        assert protocol.findtext(f"{POX}Server") == "mx.example.org"
        assert protocol.findtext(f"{POX}LoginName") == "jane@example.org"
        assert protocol.findtext(f"{POX}Encryption") == encryption
        assert [protocol.findtext(POX + tag) for tag in ("SSL", "SPA", "AuthRequired")] == ["on", "off", "on"]


def test_apple_profile_signs_in_as_the_first_address_and_sends_as_all():
    there = offer({"public": BOTH}, client=Domain("mail.example.org"))
    data = apple_profile(there, [JANE, parse_address("office@example.org")], "Jane <Doe>")
    profile = plistlib.loads(data)
    (mail,) = profile["PayloadContent"]
    assert mail["EmailAddress"] == "jane@example.org,office@example.org"
    assert mail["EmailAccountName"] == "Jane <Doe>"
    for direction, port in (("Incoming", 993), ("Outgoing", 465)):
        assert mail[f"{direction}MailServerHostName"] == "mail.example.org"
        assert mail[f"{direction}MailServerPortNumber"] == port
        assert mail[f"{direction}MailServerUseSSL"] is True
        assert mail[f"{direction}MailServerUsername"] == "jane@example.org"
        assert mail[f"{direction}MailServerAuthentication"] == "EmailAuthPassword"
    assert b"Password</key>" not in data.replace(b"SameAsIncomingPassword</key>", b"")
    assert (profile["PayloadType"], profile["PayloadVersion"]) == ("Configuration", 1)


def test_apple_profile_keeps_its_identifiers_so_that_a_newer_one_replaces_it():
    first = plistlib.loads(apple_profile(offer({"public": BOTH}), [JANE], "Jane"))
    second = plistlib.loads(apple_profile(offer({"public": STARTTLS}), [JANE], "J. Doe"))
    other = plistlib.loads(apple_profile(offer({"public": BOTH}), [parse_address("jane+x@example.org")], ""))
    for key in ("PayloadIdentifier", "PayloadUUID"):
        assert first[key] == second[key] != other[key]
        assert first["PayloadContent"][0][key] == second["PayloadContent"][0][key] != first[key]


def test_profile_path_escapes_what_stands_in_it():
    path = profile_path([parse_address('"a&b,c"@example.org')], "Jane & Co")
    assert path == "/profile.mobileconfig?addresses=%22a%26b%2Cc%22%40example.org&name=Jane+%26+Co"


@pytest.mark.parametrize(
    ("mx", "lines"),
    [
        ((), ["mx: mx.example.org"]),
        (("mail.bücher.example", "*.example.net"), ["mx: mail.xn--bcher-kva.example", "mx: *.example.net"]),
    ],
)
def test_mtasts_policy_has_the_lines_of_the_rfc(mx: tuple[str, ...], lines: list[str]):
    policy = MtaSts(policy_id="1", mode=MtaStsMode.TESTING, max_age=Seconds(86400.0), mx=mx)
    text = mtasts_policy(policy, Domain("mx.example.org")).decode()
    assert text.split("\r\n") == ["version: STSv1", "mode: testing", *lines, "max_age: 86400", ""]


def test_mtasts_policy_is_kept_for_a_year_at_most():
    policy = MtaSts(policy_id="1", mode=MtaStsMode.ENFORCE, max_age=Seconds(1e9))
    assert b"max_age: 31557600\r\n" in mtasts_policy(policy, Domain("mx.example.org"))
