"""Registering client keys: for addresses of accounts, from the text of a certificate, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.clock import SYSTEM
from app.errors import Refusal
from app.operations.clientkeys import Wish, certificate_of, generate, register
from app.store.clientkeys import MAX_CERTIFICATE_BYTES, read_certificate
from app.store.serverdb import ServerDb
from tests.support.clientkeys import make_shown
from tests.support.configuration import small_live


def test_generated_certificate_can_be_registered_and_its_key_is_not_kept(tmp_path: Path) -> None:
    live, server = small_live(tmp_path), ServerDb.open(tmp_path / "data")
    made = generate("laptop \N{GRINNING FACE}" + "x" * 200, SYSTEM)
    key = asyncio.run(register(server.keys, live.dynamic, SYSTEM, Wish(address="JANE@example.com", pem=made.combined)))
    assert (key.account, key.login_address, key.kind) == ("jane", "JANE@example.com", "ed25519")
    assert key.name.startswith("laptop")
    server.close()
    secret = made.private_key.splitlines()[1].encode()
    assert all(secret not in path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())


@pytest.mark.parametrize("address", ["gone@example.com", "jane@other.example", "jane", "", "@example.com"])
def test_only_addresses_of_accounts_have_keys(tmp_path: Path, address: str) -> None:
    server = ServerDb.open(tmp_path / "data")
    wish = Wish(address=address, pem=generate("x", SYSTEM).certificate)
    with pytest.raises(Refusal):
        asyncio.run(register(server.keys, small_live(tmp_path).dynamic, SYSTEM, wish))
    server.close()


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x82\xff\xff" + bytes(100), bytes(MAX_CERTIFICATE_BYTES + 1)])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        read_certificate(data)


def test_damage_anywhere_in_a_certificate_is_no_error_of_ours(tmp_path: Path) -> None:
    whole = make_shown(tmp_path).der
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            try:
                read_certificate(damaged)
            except Refusal:
                continue


def test_first_certificate_of_a_text_counts(tmp_path: Path) -> None:
    first, second = (generate(name, SYSTEM) for name in "ab")
    text = f"Bag Attributes\n{first.combined}\n{second.certificate}"
    assert read_certificate(certificate_of(text)).name == "a"
