"""The commands that judge a message: DKIM, DMARC, and its structure, with a name server of this machine."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli.main import main
from app.trust.dkim.keys import load_key, make_ed25519
from app.trust.dkim.sign import Selector, sign
from app.wire.domain import Domain
from tests.support.dns import DnsServer, Zone

KEY = load_key(make_ed25519())
MESSAGE = b"From: Jane <jane@example.org>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n"
SIGNED = (
    sign(MESSAGE, [Selector(name="a", domain=Domain("example.org"), key=KEY)], identity=None, now=int(time.time()))
    + MESSAGE
)
ZONE: Zone = {
    "a._domainkey.example.org": {"TXT": [KEY.record()], "AD": True},
    "old._domainkey.example.org": {"TXT": ["v=DKIM1; p="]},
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; sp=none; rua=mailto:r@example.org,mailto:x@example.com"]},
    "_dmarc.bad.example": {"TXT": ["v=DMARC1; p=all"]},
    "example.org": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("signed.eml").write_bytes(b"From x\n" + SIGNED.replace(b"\r\n", b"\n"))
    Path("plain.eml").write_bytes(MESSAGE)
    Path("changed.eml").write_bytes(SIGNED.replace(b"Hello", b"Hullo"))
    with DnsServer(ZONE) as server:
        monkeypatch.setenv("MOX_RESOLVER", f"{server.host}:{server.port}")
        yield


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("dkim", "lookup", "a", "example.org"), 0, ["with DNSSEC", "Kind: Ed25519", "Hashes: sha256 only"]),
        (("dkim", "lookup", "old", "example.org"), 1, ["receivers cannot use it: the key has been revoked"]),
        (("dkim", "lookup", "b", "example.org"), 1, ["There is no key"]),
        (("dkim", "verify", "signed.eml"), 0, ["pass: example.org, selector a, ed25519-sha256", "with DNSSEC"]),
        (("dkim", "verify", "changed.eml"), 1, ["fail: example.org", "the body is not as it was signed"]),
        (("dkim", "verify", "plain.eml"), 1, ["not signed"]),
        (("dkim", "verify", "gone.eml"), 1, ["gone.eml"]),
        (("dmarc", "parse", "v=DMARC1;", "p=reject;", "pct=10"), 0, ["refuse it", "10 of 100", "nobody"]),
        (("dmarc", "parse", "v=DMARC1"), 1, ["does not count: it has no p="]),
        (("dmarc", "lookup", "mail.example.org"), 0, ["_dmarc.example.org:", "the policy is none"]),
        (("dmarc", "lookup", "other.example"), 1, ["anybody can write in its name"]),
        (("dmarc", "lookup", "bad.example"), 1, ["p=all is no policy"]),
        (("dmarc", "checkreportaddrs", "example.org"), 1, ["yes: mailto:r@example.org", "no: mailto:x@example.com"]),
        (("dmarc", "checkreportaddrs", "other.example"), 1, ["no DMARC record applies"]),
    ],
)  # fmt: skip
def test_what_is_asked_is_answered_in_words(
    words: Sequence[str], code: int, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == code
    out = "".join(capsys.readouterr())
    for part in said:
        assert part in out


@pytest.mark.parametrize(
    ("message", "remote", "sender", "code", "said"),
    [
        (SIGNED, "203.0.113.1", "", 0, ["DKIM pass: example.org", "DMARC pass: the DKIM signature of example.org"]),
        (MESSAGE, "192.0.2.1", "x@example.org", 0, ["SPF pass", "DMARC pass: SPF of example.org"]),
        (MESSAGE, "203.0.113.1", "x@example.org", 1, ["SPF fail", "DMARC fail", "To be done: reject"]),
    ],
)
def test_a_message_is_judged(
    message: bytes, remote: str, sender: str, code: int, said: list[str],
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(message)))
    assert main(["dmarc", "verify", remote, sender, "mail.example.org"]) == code
    out = "".join(capsys.readouterr())
    for part in said:
        assert part in out


def test_the_structure_of_a_message_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    parts = b"--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--\r\n"
    Path("m.eml").write_bytes(
        MESSAGE.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n") + parts
    )
    assert main(["message", "parse", "-smtputf8", "m.eml"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["Type"] == "multipart/mixed"
    assert tree["Header"]["Subject"] == "grüße"
    assert (tree["Parts"][0]["Type"], tree["Parts"][0]["DecodedSize"]) == ("image/png", 5)
