"""The commands about DNS, with name servers of this machine. The servers of a zone are asked at port 53, where nobody
answers here, so that the word of the resolver counts."""

from __future__ import annotations

import pytest

from app.cli.main import main
from app.operations.dkimkeys import make_keys
from app.wire.domain import Domain
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, write_configuration
from tests.support.dns import DnsServer, Zone

SIGNING = """\t\tDKIM:
\t\t\tSelectors:
\t\t\t\t2026a:
\t\t\t\t\tPrivateKeyFile: a.pem
\t\t\tSign:
\t\t\t\t- 2026a
"""


@pytest.fixture
def zone(tmp_path, monkeypatch):
    zone: Zone = {"example.com": {"NS": ["ns.example.com"], "AD": True}}
    domains = DOMAINS_CONF.replace("Separator: +\n", "Separator: +\n" + SIGNING)
    path = write_configuration(tmp_path, MOX_CONF, domains)
    path.with_name("a.pem").write_bytes(make_keys(Domain("example.com"), 0)[1].pem)
    monkeypatch.setenv("MOXCONF", str(path))
    with DnsServer(zone) as server:
        monkeypatch.setenv("MOX_RESOLVER", f"{server.host}:{server.port}")
        yield zone


def test_records_are_printed_as_a_zone_file(zone: Zone, capsys) -> None:
    assert main(["config", "dnsrecords", "EXAMPLE.com"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("$TTL 300\n")
    assert '2026a._domainkey.example.com. TXT "v=DKIM1;h=sha256;k=ed25519;p=' in " ".join(out.split())


def test_a_zone_whose_signature_cannot_be_told_is_printed_all_the_same(zone: Zone, capsys) -> None:
    zone["example.com"] = {"RCODE": "SERVFAIL"}
    assert main(["config", "dnsrecords", "example.com"]) == 0
    assert "Cannot tell whether" in capsys.readouterr().err


def test_check_prints_parts_with_faults_and_what_to_do(zone: Zone, capsys) -> None:
    zone["example.com"]["MX"] = ["1 aspmx.l.google.com"]
    assert main(["config", "dnscheck", "example.com"]) == 1
    out = capsys.readouterr().out
    assert "# MX\nError: example.com MX: The mail of this domain is at Google" in out
    assert "# DKIM\nError: 2026a._domainkey.example.com TXT: " in out
    assert "- Publish: 2026a._domainkey.example.com. TXT" in out


@pytest.mark.parametrize(
    ("name", "words"),
    [("example.net", "domains there: example.com"), ("a b", "is not a domain"), ("", "is not a domain")],
)
def test_other_domains_are_refused_in_words(zone: Zone, name: str, words: str, capsys) -> None:
    for command in ("dnsrecords", "dnscheck"):
        assert main(["config", command, name]) == 1
        assert words in capsys.readouterr().err
