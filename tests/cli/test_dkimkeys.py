"""Commands that make DKIM keys and sign with them."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from pathlib import Path

import pytest

from app.cli.main import main
from app.trust.dkim.keys import load_key, make_ed25519, make_rsa
from app.trust.dkim.verify import verify
from tests.support.configuration import DOMAINS_CONF, write_configuration
from tests.trust.records import Records

MESSAGE = b"From: Jane <jane@example.com>\nTo: b@example.net\nSubject: hello\n\nHello.\n"
KEYS = {"a": make_rsa(), "b": make_ed25519()}
DKIM = "".join(
    f"\t\t\t\t{name}:\n\t\t\t\t\tPrivateKeyFile: {name}.pem\n"
    "\t\t\t\t\tCanonicalization:\n\t\t\t\t\t\tHeaderRelaxed: true\n\t\t\t\t\t\tBodyRelaxed: true\n"
    for name in KEYS
)
SIGN = "\t\t\tSign:\n\t\t\t\t- a\n\t\t\t\t- b\n"


class Standard(io.TextIOWrapper):
    """Standard input with these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))


def configure(directory: Path) -> Path:
    """A configuration that signs mail of example.com with both keys."""
    head = "\texample.com:\n"
    assert head in DOMAINS_CONF
    domains_conf = DOMAINS_CONF.replace(head, f"{head}\t\tDKIM:\n\t\t\tSelectors:\n{DKIM}{SIGN}", 1)
    path = write_configuration(directory, domains_conf=domains_conf)
    for name, pem in KEYS.items():
        (path.parent / f"{name}.pem").write_bytes(pem)
    return path


@pytest.mark.parametrize(("kind", "algorithm"), [("gened25519", "ed25519-sha256"), ("genrsa", "rsa-sha256")])
def test_each_key_is_a_new_one_that_can_sign(kind: str, algorithm: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = []
    for _ in range(2):
        assert main(["dkim", kind]) == 0
        made.append(capsys.readouterr().out.encode())
    assert made[0] != made[1]
    assert load_key(made[0]).algorithm == algorithm


def test_record_is_printed_and_a_long_one_in_strings_too(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, pem in KEYS.items():
        monkeypatch.setattr(sys, "stdin", Standard(pem))
        assert main(["dkim", "txt"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == load_key(pem).record()
        joined = "".join(line.strip()[1:-1] for line in lines[1:] if line.startswith("  "))
        assert joined == (lines[0] if name == "a" else "")


def test_what_is_no_key_is_refused_without_showing_it(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Standard(b"secret words"))
    assert main(["dkim", "txt"]) == 1
    shown = capsys.readouterr()
    assert "not an unencrypted private key" in shown.err
    assert "secret" not in shown.out + shown.err


def test_message_is_signed_as_the_configuration_says(tmp_path: Path, capfdbinary) -> None:
    config = configure(tmp_path)
    (tmp_path / "message").write_bytes(MESSAGE)
    assert main(["-config", str(config), "dkim", "sign", str(tmp_path / "message")]) == 0
    sys.stdout.buffer.flush()
    signed = capfdbinary.readouterr().out
    texts = {f"{name}._domainkey.example.com": [load_key(pem).record().encode()] for name, pem in KEYS.items()}
    found = asyncio.run(verify(signed, Records(texts), now=int(time.time())))
    assert [one.status.value for one in found] == ["pass", "pass"]
    assert signed.endswith(MESSAGE.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    ("author", "words"),
    [
        (b"jane@elsewhere.example", "none of the domains"),
        (b"a@example.com, b@example.com", "nobody can sign it"),
        (b"nobody", "nobody can sign it"),
    ],
)
def test_what_nobody_here_signs_is_refused(tmp_path: Path, author: bytes, words: str, capsys) -> None:
    config = configure(tmp_path)
    (tmp_path / "message").write_bytes(MESSAGE.replace(b"Jane <jane@example.com>", author))
    assert main(["-config", str(config), "dkim", "sign", str(tmp_path / "message")]) == 1
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""


def test_a_domain_without_keys_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_configuration(tmp_path)
    (tmp_path / "message").write_bytes(MESSAGE)
    assert main(["-config", os.fspath(config), "dkim", "sign", str(tmp_path / "message")]) == 1
    assert "example.com signs with no key" in capsys.readouterr().err
