"""Certificates that we sign ourselves serve TLS for their names."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from app.net.selfsigned import make_self_signed


def handshake(directory: Path, name: str) -> None:
    """A TLS handshake in memory, with a client that trusts only this certificate."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(directory / "crt", directory / "key")
    client_context = ssl.create_default_context(cafile=str(directory / "crt"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    for _ in range(6):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not waiting


def test_clients_that_trust_it_connect_by_each_of_its_names(tmp_path: Path) -> None:
    pair = make_self_signed(["localhost", "127.0.0.1", "::1", "xn--bcher-kva.example"], time.time())
    (tmp_path / "crt").write_bytes(pair.certificate)
    (tmp_path / "key").write_bytes(pair.key)
    for name in ("localhost", "127.0.0.1", "::1", "xn--bcher-kva.example"):
        handshake(tmp_path, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, "other.example")


def test_a_long_host_name_is_possible() -> None:
    name = ".".join(["a" * 60] * 4)
    assert make_self_signed([name], time.time()).certificate.startswith(b"-----BEGIN CERTIFICATE-----")
