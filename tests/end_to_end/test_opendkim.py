"""OpenDKIM verifies what we sign, and we verify what it signs, with both kinds of keys and in both forms."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from app.trust.dkim.keys import load_key, make_ed25519, make_rsa
from app.trust.dkim.sign import Selector, sign
from app.trust.dkim.verify import verify
from app.wire.domain import Domain
from tests.trust.records import Records

PEMS = {"rsa-sha256": make_rsa(), "ed25519-sha256": make_ed25519()}
MESSAGE = (
    b"Received: by mx\r\n\tfor x\r\nFrom: Jane  <jane@example.org>\r\nTo: b@example.net\r\nSubject: hello  there \r\n"
    b"Date: Thu, 01 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello  you \r\n\tx\t \r\n\r\n\r\n"
)
FORMS = ["simple", "relaxed"]

pytestmark = pytest.mark.skipif(
    shutil.which("opendkim") is None, reason="opendkim is not installed; see tests/packages.txt"
)


def opendkim(folder: Path, settings: str, message: bytes) -> str:
    """What it prints of a message in its test mode."""
    (folder / "conf").write_text(settings)
    (folder / "message").write_bytes(message)
    command = ["opendkim", "-x", str(folder / "conf"), "-vvv", "-t", str(folder / "message")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("algorithm", PEMS)
@pytest.mark.parametrize("header", FORMS)
@pytest.mark.parametrize("body", FORMS)
def test_it_verifies_ours(tmp_path: Path, algorithm: str, header: str, body: str) -> None:
    key = load_key(PEMS[algorithm])
    (tmp_path / "dns").write_text(f"s._domainkey.example.org {key.record()}\n")
    selector = Selector(
        name="s",
        domain=Domain("example.org"),
        key=key,
        relaxed_header=header == "relaxed",
        relaxed_body=body == "relaxed",
    )
    signed = sign(MESSAGE, [selector], identity=None, now=int(time.time())) + MESSAGE
    settings = f"Mode v\nTestDNSData {tmp_path / 'dns'}\n"
    assert "succeeded" in opendkim(tmp_path, settings, signed)
    assert "succeeded" not in opendkim(tmp_path, settings, signed.replace(b"Hello", b"Hullo"))


@pytest.mark.parametrize("algorithm", PEMS)
@pytest.mark.parametrize("header", FORMS)
@pytest.mark.parametrize("body", FORMS)
def test_we_verify_its(tmp_path: Path, algorithm: str, header: str, body: str) -> None:
    if (algorithm, header) == ("ed25519-sha256", "simple"):
        pytest.skip("OpenDKIM 2.11 does not verify such signatures of its own either")
    (tmp_path / "key.pem").write_bytes(PEMS[algorithm])
    settings = (
        f"Mode s\nDomain example.org\nSelector s\nKeyFile {tmp_path / 'key.pem'}\nRequireSafeKeys no\n"
        f"SignatureAlgorithm {algorithm}\nCanonicalization {header}/{body}\nOversignHeaders From\n"
    )
    printed = opendkim(tmp_path, settings, MESSAGE)
    value = printed.partition("hname='DKIM-Signature' hvalue='")[2].rpartition("'")[0]
    signed = b"DKIM-Signature: " + value.replace("\n", "\r\n").encode() + b"\r\n" + MESSAGE
    resolver = Records({"s._domainkey.example.org": [load_key(PEMS[algorithm]).record().encode()]})
    (found,) = asyncio.run(verify(signed, resolver, now=int(time.time())))
    assert (found.status.value, found.reason) == ("pass", "")
    (found,) = asyncio.run(verify(signed.replace(b"there", b"their"), resolver, now=int(time.time())))
    assert found.status.value == "fail"
