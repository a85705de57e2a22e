"""Submits one message to a mail server, as a client does: connect, TLS, sign in by the strongest mechanism, send.

The names of the server are looked up as the machine does it, /etc/hosts included. All of it has TOTAL_S seconds. Raises
HandingFailed, which knows whether another try may help.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.config.submitfile import Submit, seed
from app.errors import MailError
from app.net.dial import DialFailed
from app.net.smtpclient import Conversation, Peer, SmtpFailed
from app.wire.sasl.clients import ClientExchange, ExternalClient, Login, begin, choose
from app.wire.sasl.servers import Mechanism, find_mechanism
from app.wire.smtp.address import Address, IPAddress, parse_address
from app.wire.smtp.client import Envelope, Recipient, TransactionResult
from app.wire.smtp.reply import Reply

TOTAL_S = 180.0
LOOKUP_S = 30.0


class HandingFailed(MailError):
    """The server did not take the message, from nobody or from some."""

    def __init__(self, text: str, *, is_temporary: bool = False, is_denied: bool = False) -> None:
        super().__init__(text)
        self.is_temporary = is_temporary
        self.is_denied = is_denied  # we could not sign in


async def hand_over(submit: Submit, to: Sequence[Address], message: bytes) -> None:
    """Submit the message for all recipients; raises HandingFailed, also when only some of them were refused."""
    try:
        async with asyncio.timeout(TOTAL_S):
            talk = await _connect(submit)
            try:
                await _prepare(talk, submit)
                result = await talk.send(_envelope(submit, to, message), b"", message)
            finally:
                talk.quit()
    except TimeoutError:
        raise HandingFailed(f"{submit.host} took longer than {TOTAL_S:.0f} seconds", is_temporary=True) from None
    except DialFailed as error:
        raise HandingFailed(str(error), is_temporary=True) from None
    except SmtpFailed as error:
        is_temporary = error.reply is None or error.reply.code < 500
        raise HandingFailed(_words(submit, error.text, error.reply), is_temporary=is_temporary) from None
    _require_all(submit, to, result)


def _words(submit: Submit, text: str, reply: Reply | None) -> str:
    said = f": {reply.code} {' '.join(reply.lines)}" if reply is not None else ""
    return f"{submit.host}: {text}{said}"


async def _connect(submit: Submit) -> Conversation:
    context = _context(submit)
    failed: DialFailed | None = None
    for ip in await _addresses(submit):
        try:
            return await Conversation.open(Peer(submit.host, ip, submit.port), (), context if submit.tls else None)
        except DialFailed as error:
            failed = error
    assert failed is not None, "there was an address"
    raise failed


async def _addresses(submit: Submit) -> list[IPAddress]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await loop.getaddrinfo(submit.host, submit.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no answer"
        raise HandingFailed(f"the address of {submit.host} is not known: {reason}", is_temporary=True) from None
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


async def _prepare(talk: Conversation, submit: Submit) -> None:
    await talk.greet(submit.local_hostname)
    if submit.starttls:
        if not talk.capabilities.starttls:
            raise HandingFailed(f"{submit.host} does not offer STARTTLS, which moxsubmit.conf demands")
        await talk.start_tls(_context(submit))
    name, exchange = _exchange(talk, submit)
    try:
        await talk.login(name, exchange)
    except SmtpFailed as error:
        is_temporary = error.reply is not None and error.reply.code < 500
        text = _words(submit, f"cannot sign in as {submit.username}", error.reply)
        raise HandingFailed(text, is_temporary=is_temporary, is_denied=True) from None


def _exchange(talk: Conversation, submit: Submit) -> tuple[str, ClientExchange]:
    """How to sign in; without TLS never in a way that shows the password."""
    offered, bindings = talk.capabilities.auth, talk.bindings
    wanted = find_mechanism(submit.auth_method) if submit.auth_method else None
    if not submit.password:
        if Mechanism.EXTERNAL.value not in offered or wanted not in (None, Mechanism.EXTERNAL):
            raise HandingFailed(f"{submit.host} does not let us sign in by a client key", is_denied=True)
        return Mechanism.EXTERNAL.value, ExternalClient(submit.username)
    allowed = tuple(Mechanism) if wanted is None else (wanted,)
    mechanism = choose(offered, bindings, allowed)
    if mechanism is None:
        names = ", ".join(sorted(offered)) or "nothing"
        raise HandingFailed(
            f"{submit.host} offers no mechanism that moxsubmit.conf allows; it offers {names}", is_denied=True
        )
    return mechanism.value, begin(mechanism, Login(submit.username, submit.password), bindings, offered)


def _envelope(submit: Submit, to: Sequence[Address], message: bytes) -> Envelope:
    header = message.partition(b"\r\n\r\n")[0]
    sender = parse_address(submit.from_)
    needs_utf8 = not header.isascii() or not all(one.is_ascii for one in (sender, *to))
    return Envelope(
        reverse_path=sender,
        recipients=tuple(Recipient(path=one) for one in to),
        size=len(message),
        has_8bit=not message.isascii(),
        smtputf8=needs_utf8,
        require_tls=submit.require_tls == "yes",
    )


def _require_all(submit: Submit, to: Sequence[Address], result: TransactionResult) -> None:
    """Everybody was taken, or somebody is named who was not."""
    if result.final is not None and result.final.code >= 400:
        raise HandingFailed(
            _words(submit, "the message is refused", result.final), is_temporary=result.final.code < 500
        )
    refused = [
        (one, reply) for one, reply in zip(to, result.replies, strict=True) if reply is None or reply.code >= 400
    ]
    if not refused:
        return
    told = "; ".join(f"{one}: {_said(reply)}" for one, reply in refused)
    rest = "the others got it" if len(refused) < len(to) else "nobody got it"
    is_temporary = len(refused) == len(to) and all(reply is None or reply.code < 500 for _, reply in refused)
    raise HandingFailed(f"{submit.host} refuses {told}; {rest}", is_temporary=is_temporary)


def _said(reply: Reply | None) -> str:
    return f"{reply.code} {' '.join(reply.lines)}" if reply is not None else "no room in one message"


def _context(submit: Submit) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if submit.tls_insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if submit.client_auth_cert_private_key_pem_file:
            context.load_cert_chain(submit.client_auth_cert_private_key_pem_file)
        elif submit.client_auth_ed25519_private_key:
            _show_key(context, seed(submit.client_auth_ed25519_private_key))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise HandingFailed(f"the client key cannot be used: {error}") from None
    return context


def _show_key(context: ssl.SSLContext, private: bytes) -> None:
    """Give TLS a certificate for a key that has none; the server knows the key, and whatever else it says is void."""
    key = Ed25519PrivateKey.from_private_bytes(private)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mox sendmail")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "client.pem"
        path.touch(mode=0o600)
        path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(path)
