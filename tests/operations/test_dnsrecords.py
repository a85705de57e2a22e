"""The records that a domain should publish."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import dns.zone
import pytest

from app.config.dynamic import ConfigDomain, Dynamic, MtaSts, MtaStsMode, ReportAddress
from app.config.listener import Imap, Imaps, KeyCert, Listener, ListenerTls, Smtp, Submissions
from app.config.schema import Seconds
from app.config.static import Acme, HostTlsRpt, Postmaster, Static
from app.log import Level
from app.net.selfsigned import make_self_signed, spki_sha256
from app.operations.clientsettings import Security, client_settings
from app.operations.dkimkeys import DkimKey, dkim_settings, make_keys
from app.operations.dnsrecords import files_below, host_of, records, rows, zone_file
from app.wire.domain import Domain

DOMAIN = Domain("example.org")
NOW = 1_790_000_000.0
STATIC = Static(
    data_dir="data",
    log_level=Level.INFO,
    hostname=Domain("mx.example.org"),
    acme={"le": Acme(directory_url="https://acme-v02.api.letsencrypt.org/directory", contact_email="a@b")},
    listeners={
        "internal": Listener(ips=(ipaddress.ip_address("127.0.0.1"),), imap=Imap(enabled=True)),
        "public": Listener(
            ips=(ipaddress.ip_address("203.0.113.7"), ipaddress.ip_address("2001:db8::7")),
            tls=ListenerTls(key_certs=(KeyCert(cert_file="crt", key_file="key"),)),
            smtp=Smtp(enabled=True),
            submissions=Submissions(enabled=True, enabled_on_https=True),
            imaps=Imaps(enabled=True),
        ),
    },
    postmaster=Postmaster(account="jane", mailbox="Postmaster"),
    host_tlsrpt=HostTlsRpt(account="jane", mailbox="TLSRPT", localpart="tlsreports"),
)


@pytest.fixture(scope="module")
def keys() -> tuple[DkimKey, DkimKey]:
    return make_keys(DOMAIN, NOW)


@pytest.fixture
def zone(tmp_path: Path, keys: tuple[DkimKey, DkimKey]) -> str:
    (tmp_path / "dkim").mkdir()
    for key in keys:
        (tmp_path / key.path).write_bytes(key.pem)
    pair = make_self_signed(["mx.example.org"], NOW)
    (tmp_path / "key").write_bytes(pair.key)
    source = files_below(tmp_path)
    return zone_file(records(STATIC, dynamic(keys), DOMAIN, host_of(STATIC, source), source), has_dnssec=True)


def dynamic(keys: tuple[DkimKey, DkimKey]) -> Dynamic:
    report = ReportAddress(localpart="reports", account="jane", mailbox="x")
    config = ConfigDomain(
        client_settings_domain=Domain("mail.example.org"),
        dkim=dkim_settings(keys),
        dmarc=report,
        tlsrpt=report,
        mtasts=MtaSts(policy_id="1", mode=MtaStsMode.TESTING, max_age=Seconds(86400.0)),
    )
    return Dynamic(domains={DOMAIN: config}, accounts={})


def test_the_records_are_there_in_the_order_of_mox(zone: str) -> None:
    lines = [row.split(None, 2) for row in zone.splitlines() if row and row[0] not in ";$"]
    assert [(row[0], row[1]) for row in lines] == [
        ("mx.example.org.", "A"),
        ("mx.example.org.", "AAAA"),
        ("_25._tcp.mx.example.org.", "TLSA"),
        ("mx.example.org.", "TXT"),
        ("_smtp._tls.mx.example.org.", "TXT"),
        ("example.org.", "MX"),
        ("2026a._domainkey.example.org.", "TXT"),
        ("2026b._domainkey.example.org.", "TXT"),
        ("example.org.", "TXT"),
        ("_dmarc.example.org.", "TXT"),
        ("mta-sts.example.org.", "CNAME"),
        ("_mta-sts.example.org.", "TXT"),
        ("_smtp._tls.example.org.", "TXT"),
        ("mail.example.org.", "CNAME"),
        ("autoconfig.example.org.", "CNAME"),
        ("_autodiscover._tcp.example.org.", "SRV"),
        ("_imaps._tcp.example.org.", "SRV"),
        ("_submissions._tcp.example.org.", "SRV"),
        ("_imap._tcp.example.org.", "SRV"),
        ("_submission._tcp.example.org.", "SRV"),
        ("_pop3._tcp.example.org.", "SRV"),
        ("_pop3s._tcp.example.org.", "SRV"),
        ("example.org.", "CAA"),
    ]
    assert '"v=spf1 ip4:203.0.113.7 ip6:2001:db8::7 mx ~all"' in zone
    assert '"v=DMARC1;p=reject;rua=mailto:reports@example.org!10m"' in zone


def test_a_name_server_reads_the_zone_and_joins_long_texts(zone: str, keys: tuple[DkimKey, DkimKey]) -> None:
    soa = "@ SOA ns. hostmaster. 1 1 1 1 1\n@ NS ns.\n"
    parsed = dns.zone.from_text(zone + soa, origin="example.org.", relativize=False)
    for key in keys:
        rdata = parsed.find_rdataset(f"{key.selector}._domainkey.example.org.", "TXT")[0]
        assert b"".join(rdata.strings).decode() == key.record
        assert all(len(string) <= 255 for string in rdata.strings)


def test_tlsa_is_a_comment_without_dnssec(tmp_path: Path, keys: tuple[DkimKey, DkimKey]) -> None:
    pair = make_self_signed(["mx.example.org"], NOW)
    (tmp_path / "key").write_bytes(pair.key)
    source = files_below(tmp_path)
    host = host_of(STATIC, source)
    assert host.key_digests == (spki_sha256(pair.key),)
    empty = Dynamic(domains={DOMAIN: ConfigDomain()}, accounts={})
    lines = zone_file(records(STATIC, empty, DOMAIN, host, source)).splitlines()
    assert [row for row in lines if "TLSA" in row] == [row for row in lines if row.startswith("; _25._tcp.mx")]


def test_clients_are_told_the_ways_with_tls_first() -> None:
    found = client_settings(STATIC, ConfigDomain(client_settings_domain=Domain("mail.example.org")))
    assert [(one.protocol, one.host.ascii, one.port, one.security) for one in found] == [
        ("IMAP", "mail.example.org", 993, Security.TLS),
        ("Submission (SMTP)", "mail.example.org", 465, Security.TLS),
        ("Submission (SMTP)", "mail.example.org", 443, Security.TLS),
        ("IMAP", "mail.example.org", 143, Security.NONE),
    ]


def test_a_row_has_each_field_as_forms_want_it(keys: tuple[DkimKey, DkimKey]) -> None:
    pems = {key.path: key.pem for key in keys} | {"key": make_self_signed(["mx.example.org"], NOW).key}
    source = pems.__getitem__
    wanted = records(STATIC, dynamic(keys), DOMAIN, host_of(STATIC, source), source)
    found = {(row.full_name, row.type): row for row in rows(wanted, DOMAIN)}
    assert found["example.org.", "MX"].name == "@"
    dkim = found["2026a._domainkey.example.org.", "TXT"]
    assert dkim.name == "2026a._domainkey"
    assert dkim.content == keys[0].record == "".join(dkim.strings)
    assert len(dkim.strings) == 2
    assert dkim.zone_line.startswith('2026a._domainkey.example.org. 300 TXT ( "v=DKIM1')
    reverse = found["7.113.0.203.in-addr.arpa.", "PTR"]
    assert (reverse.name, reverse.content) == ("7.113.0.203.in-addr.arpa.", "mx.example.org.")
    assert reverse.record.is_reverse
