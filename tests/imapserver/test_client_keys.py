"""Signing in with the key of a TLS client certificate: PREAUTH, EXTERNAL, and what must not get in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.errors import Refusal
from app.imapserver.connection import ImapConnection
from app.net.listen import Serving, bind
from app.net.tls import KeyCert, ServerCertificates, TlsSettings
from app.store.serverdb import ServerDb
from app.store.signin import SignInAttempt
from tests.imapserver.world import HOST, PASSWORD, World
from tests.support.certificates import write_pair
from tests.support.clientkeys import make_shown

SHORT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SHORT.check_hostname = False
SHORT.verify_mode = ssl.CERT_NONE


class KeyWorld:
    """A server over TLS that asks for certificates."""

    def __init__(self, directory: Path) -> None:
        self.world = World(directory)
        self.server = ServerDb.open(directory / "data")
        self.attempts: list[SignInAttempt] = []
        self.world.signin.keys = self.server.keys
        self.world.signin.record = self.attempts.append
        pair = KeyCert(*map(str, write_pair(directory, "localhost")))
        self.context = ServerCertificates([pair], TlsSettings(asks_client_certificates=True)).context
        self.shown = make_shown(directory)

    def talk(self, conversation: Callable[[int], Awaitable[None]]) -> None:
        async def run() -> None:
            serving, sock = Serving(), bind(HOST, 0)
            await serving.add(sock, lambda: ImapConnection(self.world._service(), implicit_tls=self.context))
            try:
                async with asyncio.timeout(20):
                    await conversation(sock.getsockname()[1])
            finally:
                await serving.stop(grace_s=0)

        asyncio.run(run())

    def close(self) -> None:
        self.server.close()
        self.world.close()


@pytest.fixture
def keys(tmp_path: Path):
    made = KeyWorld(tmp_path)
    yield made
    made.close()


async def converse(port: int, context: ssl.SSLContext, *commands: str) -> list[str]:
    """The greeting, and the last line of each answer."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    lines = [(await reader.readline()).decode()]
    for command in commands:
        writer.write(f"x {command}\r\n".encode())
        while not (line := (await reader.readline()).decode()).startswith("x "):
            assert line
        lines.append(line)
    writer.transport.abort()
    return lines


def external(authzid: str = "") -> str:
    return "AUTHENTICATE EXTERNAL " + (base64.b64encode(authzid.encode()).decode() or "=")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_registered_key_is_signed_in_by_the_greeting(keys: KeyWorld, version: ssl.TLSVersion):
    async def talk(port: int) -> None:
        await keys.server.keys.add(keys.shown.registered())
        greeting, login, selected = await converse(
            port, keys.shown.context(version), f"LOGIN jane@example.com {PASSWORD!r}", "SELECT Inbox"
        )
        assert greeting.startswith("* PREAUTH [CAPABILITY IMAP4rev2 ")
        assert greeting.endswith("] mox imap welcomes jane@example.com\r\n")
        assert login.startswith("x BAD")
        assert selected.startswith("x OK [READ-WRITE]")

    keys.talk(talk)
    assert [(one.mechanism, one.result) for one in keys.attempts] == [("EXTERNAL", "ok")]
    assert keys.attempts[0].client_key == keys.shown.registered().fingerprint


def test_without_preauth_external_signs_in_and_again_after_unauthenticate(keys: KeyWorld):
    async def talk(port: int) -> None:
        await keys.server.keys.add(keys.shown.registered(no_imap_preauth=True))
        greeting, other, again, out, named, selected = await converse(
            port,
            keys.shown.context(),
            external("locked@example.com"),
            external(),
            "UNAUTHENTICATE",
            external("é@example.com"),
            "SELECT Inbox",
        )
        assert greeting.startswith("* OK")
        assert "AUTH=EXTERNAL" in greeting
        assert other.startswith("x NO [AUTHENTICATIONFAILED]")
        assert "AUTH=EXTERNAL" in out
        assert [line[:4] for line in (again, out, named, selected)] == ["x OK"] * 4

    keys.talk(talk)


def test_key_that_nobody_registered_harms_nothing_and_opens_nothing(keys: KeyWorld):
    async def talk(port: int) -> None:
        greeting, tried, login = await converse(
            port, keys.shown.context(), external("jane@example.com"), f'LOGIN jane@example.com "{PASSWORD}"'
        )
        assert greeting.startswith("* OK")
        assert tried.startswith("x NO [AUTHENTICATIONFAILED]")
        assert login.startswith("x OK")
        greeting, tried = await converse(port, SHORT, external("jane@example.com"))
        assert "AUTH=EXTERNAL" not in greeting
        assert tried.startswith("x NO")

    keys.talk(talk)


def test_removed_key_is_refused_even_when_the_tls_session_is_resumed(keys: KeyWorld):
    def connect(
        port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
    ) -> tuple[str, ssl.SSLSession | None]:
        with socket.create_connection((HOST, port)) as plain, context.wrap_socket(plain, session=session) as tls:
            greeting = tls.recv(1000).decode()
            assert session is None or tls.session_reused
            return greeting, tls.session

    async def talk(port: int) -> None:
        await keys.server.keys.add(keys.shown.registered())
        context = keys.shown.context()
        first, session = await asyncio.to_thread(connect, port, context, None)
        second, _ = await asyncio.to_thread(connect, port, context, session)
        await keys.server.keys.remove(keys.shown.registered().fingerprint)
        third, _ = await asyncio.to_thread(connect, port, context, session)
        assert [greeting[:9] for greeting in (first, second, third)] == ["* PREAUTH", "* PREAUTH", "* OK [CAP"]

    keys.talk(talk)


def test_key_of_an_account_that_is_closed_or_gone_opens_nothing(keys: KeyWorld):
    async def talk(port: int) -> None:
        for address in ("locked@example.com", "gone@example.com"):
            key = keys.shown.registered(address=address)
            await keys.server.keys.add(key)
            [greeting] = await converse(port, keys.shown.context())
            assert greeting.startswith("* OK")
            await keys.server.keys.remove(key.fingerprint)

    keys.talk(talk)


def test_each_key_is_registered_once_and_forgotten_by_its_account_only(keys: KeyWorld, tmp_path: Path):
    async def talk(port: int) -> None:
        store, key = keys.server.keys, keys.shown.registered()
        await store.add(key)
        with pytest.raises(Refusal):
            await store.add(key)
        assert await store.remove(key.fingerprint, account="locked") is None
        assert await store.list("jane") == [key]
        assert await store.list("locked") == []
        await store.remove_all("jane")
        assert await store.list() == []

    keys.talk(talk)


@pytest.mark.parametrize(("kind", "word"), [("rsa", "rsa-2048"), ("ecdsa", "ecdsa-secp256r1")])
def test_fingerprint_is_of_the_key_and_not_of_the_certificate(tmp_path: Path, kind: str, word: str):
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    shown = make_shown(tmp_path, kind)
    public = x509.load_pem_x509_certificate(shown.certificate.read_bytes()).public_key()
    info = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = shown.registered()
    assert key.kind == word
    assert key.fingerprint == base64.urlsafe_b64encode(hashlib.sha256(info).digest()).decode().rstrip("=")
