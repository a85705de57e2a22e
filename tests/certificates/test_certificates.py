"""Automatic certificates without an authority: which names, when, what is kept, and what is said of faults."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from pathlib import Path

import pytest

from app.certificates import timing
from app.certificates.challenges import PATH, Challenges
from app.certificates.faultwords import NotIssued, explain
from app.certificates.files import CertificateFiles
from app.certificates.names import wanted
from app.certificates.reloading import Reloading
from app.certificates.standing import hosts_are_certified
from app.clock import SYSTEM
from app.config.live import Live
from app.errors import Temporary
from app.net.selfsigned import make_self_signed
from app.net.tls import KeyCert, ServerCertificates

DAY_S = 86400.0
NOW = 1_800_000_000.0
MOX_CONF = """DataDir: data
LogLevel: info
Hostname: mx.example.org
ACME:
	small:
		DirectoryURL: https://authority.example/dir
		ContactEmail: jane@example.org
Listeners:
	public:
		IPs:
			- 127.0.0.1
		TLS:
			ACME: small
		AutoconfigHTTPS:
			Enabled: true
		MTASTSHTTPS:
			Enabled: true
		WebserverHTTPS:
			Enabled: true
	other:
		IPs:
			- 127.0.0.2
		Hostname: two.example.org
		TLS:
			ACME: small
Postmaster:
	Account: jane
	Mailbox: Inbox
"""
DOMAINS_CONF = """Domains:
	example.org:
		ClientSettingsDomain: mail.example.org
		MTASTS:
			PolicyID: 1
			Mode: testing
			MaxAge: 24h0m0s
	off.example:
		Disabled: true
	bücher.example: nil
Accounts:
	jane:
		Domain: example.org
		Destinations:
			jane@example.org: nil
			jane@off.example: nil
			jane@bücher.example: nil
WebDomainRedirects:
	old.example: www.example.org
WebHandlers:
	-
		Domain: www.example.org
		PathRegexp: ^/
		WebStatic:
			Root: web
	-
		Domain: www.example.org
		PathRegexp: ^/more
		WebStatic:
			Root: web
"""


def test_each_name_is_wanted_once_the_host_first(tmp_path: Path) -> None:
    (tmp_path / "mox.conf").write_text(MOX_CONF)
    (tmp_path / "domains.conf").write_text(DOMAINS_CONF)
    live = Live.open(tmp_path / "mox.conf", files=False)
    found = wanted(live.static, live.dynamic)
    assert [one.name for one in found if one.is_host] == ["mx.example.org", "two.example.org"]
    assert [one.name for one in found if not one.is_host] == [
        "autoconfig.example.org",
        "mail.example.org",
        "mta-sts.example.org",
        "autoconfig.xn--bcher-kva.example",
        "old.example",
        "www.example.org",
    ]


@pytest.mark.parametrize(
    ("life_days", "before_days", "left_days"),
    [(90, 30, 30), (90, 0, 30), (90, 10, 10), (6, 30, 2), (45, 30, 15), (0, 30, 0)],
)
def test_renewed_when_a_third_is_left_or_less_if_so_wished(
    life_days: float, before_days: float, left_days: float
) -> None:
    for name in ("mx.example.org", "www.example.org"):
        begins, ends = NOW, NOW + life_days * DAY_S
        when = timing.renewal_time(name, begins, ends, before_days * DAY_S)
        latest = ends - left_days * DAY_S
        assert latest - timing.SPREAD * life_days * DAY_S <= when <= latest
        assert when == timing.renewal_time(name, begins, ends, before_days * DAY_S), "the same at each start"


def test_failures_wait_longer_and_never_more_than_a_day() -> None:
    waits = [timing.wait_after(count) for count in (1, 2, 3, 8, 1000)]
    assert waits == [900.0, 1800.0, 3600.0, DAY_S, DAY_S]


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("dns", "NXDOMAIN looking up A", "no address for the name"),
        ("connection", "timeout", "Ports 80 and 443"),
        ("unauthorized", "Failed to connect to 192.0.2.1:443", "Ports 80 and 443"),
        ("unauthorized", "wrong content", "Another server answered"),
        ("caa", "", "CAA record"),
        ("neverHeardOf", "odd", 'It said: "odd"'),
        ("neverHeardOf", "", "refused: neverHeardOf"),
        ("", "line\nbreak\x1b[2J", "line break [2J"),
    ],
)
def test_what_an_authority_says_is_told_with_what_to_do(kind: str, detail: str, words: str) -> None:
    assert words in str(explain(f"urn:ietf:params:acme:error:{kind}", detail))


def test_a_limit_names_the_time_from_which_on_to_ask_again() -> None:
    detail = "too many certificates already issued for x, retry after 2026-11-23 12:00:00 UTC: see https://authority"
    assert explain("urn:ietf:params:acme:error:rateLimited", detail).not_before == 1795435200.0
    for odd in ("retry after tomorrow", "retry after 2026-99-99 99:99:99"):
        assert explain("urn:ietf:params:acme:error:rateLimited", odd).not_before == 0.0
    assert len(str(NotIssued("x" * 10_000))) <= 600


def test_what_is_kept_is_found_again_and_nobody_else_reads_it(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path)
    assert files.find("small", "mx.example.org") is None
    made = make_self_signed(["mx.example.org"], NOW, days=90)
    put = files.put("small", "mx.example.org", made.key, made.certificate)
    assert files.find("small", "mx.example.org") == put
    assert put.names == ("mx.example.org",)
    assert round(put.ends - NOW) == round(90 * DAY_S)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o600}
    ServerCertificates([put.key_cert])
    other = make_self_signed(["mx.example.org"], NOW)
    with pytest.raises(ValueError, match="not that of the certificate"):
        files.put("small", "mx.example.org", other.key, made.certificate)
    assert files.find("small", "mx.example.org") == put
    put.path.write_bytes(b"damaged")
    assert files.find("small", "mx.example.org") is None


def test_hosts_are_certified_when_each_has_one_that_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / "mox.conf").write_text(MOX_CONF)
    (tmp_path / "domains.conf").write_text(DOMAINS_CONF)
    live = Live.open(tmp_path / "mox.conf", files=False)
    files = CertificateFiles(live.data_dir)
    for name in ("mx.example.org", "two.example.org"):
        assert hosts_are_certified(live, NOW) is False
        made = make_self_signed([name], NOW, days=90)
        files.put("small", name, made.key, made.certificate)
    assert hosts_are_certified(live, NOW) is True
    assert hosts_are_certified(live, NOW + 91 * DAY_S) is False


def test_a_disk_that_does_not_take_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("a file where the directory should be")
    made = make_self_signed(["x.example"], NOW)
    with pytest.raises(Temporary, match="cannot write"):
        CertificateFiles(tmp_path).put("small", "x.example", made.key, made.certificate)


def test_only_a_known_token_for_its_own_name_is_answered() -> None:
    challenges = Challenges(SYSTEM)
    with challenges.http("a.example", "token", "token.thumb"):
        assert challenges.answer("A.example:80", f"{PATH}token") == "token.thumb"
        for host, path in (("b.example", "token"), ("a.example", "other"), ("", "token"), ("a.example", "token/../x")):
            assert challenges.answer(host, PATH + path) is None
        assert challenges.answer("a.example", "/token") is None
    assert challenges.answer("a.example", f"{PATH}token") is None


def test_the_proof_by_tls_is_shown_for_its_name_and_protocol_only() -> None:
    challenges = Challenges(SYSTEM)
    assert challenges.context is None
    with challenges.tls("a.example", "token.thumb"):
        assert challenges.context is not None
        certificate, protocol = shake(challenges.context, "a.example")
        assert protocol == "acme-tls/1"
        assert b"\x2b\x06\x01\x05\x05\x07\x01\x1f" in certificate, "id-pe-acmeIdentifier"
        with pytest.raises(ssl.SSLError):
            shake(challenges.context, "b.example")
    assert challenges.context is None


def shake(context: ssl.SSLContext, name: str) -> tuple[bytes, str | None]:
    """A handshake in memory as an authority makes it: the certificate, and the protocol that was agreed on."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    client_context.set_alpn_protocols(["acme-tls/1"])
    client = client_context.wrap_bio(down, up, server_hostname=name)
    server = context.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    found = client.getpeercert(binary_form=True)
    assert found is not None
    return found, client.selected_alpn_protocol()


def test_files_that_change_are_used_and_a_half_changed_pair_is_waited_for(tmp_path: Path) -> None:
    pair = KeyCert(str(tmp_path / "crt"), str(tmp_path / "key"))
    first, second = (make_self_signed([name], NOW) for name in ("one.example", "two.example"))

    def write(name: str, content: bytes) -> None:
        (tmp_path / f"{name}.new").write_bytes(content)
        (tmp_path / f"{name}.new").rename(tmp_path / name)

    write("crt", first.certificate)
    write("key", first.key)
    certificates = ServerCertificates([pair])

    async def scenario() -> None:
        reloading = Reloading([(certificates, [pair])])
        reloading.start(look_s=3600)
        write("crt", second.certificate)
        reloading.look()
        assert serves(certificates, "one.example"), "the key does not fit yet"
        write("key", second.key)
        reloading.look()
        assert serves(certificates, "two.example")
        await reloading.stop()

    asyncio.run(scenario())


def serves(certificates: ServerCertificates, name: str) -> bool:
    certificate, _ = shake(certificates.context, name)
    return name.encode() in certificate


def test_a_listener_that_refuses_unknown_names_tells_of_them(tmp_path: Path) -> None:
    from app.net.certificatefile import memory_key_cert
    from app.net.tls import TlsSettings

    made = make_self_signed(["one.example"], NOW)
    settings = dataclasses.replace(TlsSettings(), refuses_unknown_names=True)
    certificates = ServerCertificates([memory_key_cert(made.certificate + made.key)], settings)
    missed: list[str] = []
    certificates.missed = missed.append
    assert serves(certificates, "one.example")
    with pytest.raises(ssl.SSLError):
        shake(certificates.context, "Two.example")
    assert missed == ["two.example"]
