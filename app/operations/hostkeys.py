"""Keys of host names that stay when certificates are renewed, so that TLSA records of DANE stay true (RFC 7671 §8.1).

For each host name whose certificates come by themselves: an RSA key of 2048 bits and an ECDSA key on P-256. The key of
a certificate that is there already is taken over, so that a published record of it goes on being true; the rest is new.
mox.conf names the files from the next start on; the earlier one is in its history.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.clock import utc
from app.config.listener import Listener
from app.config.live import Live
from app.config.static import Static
from app.errors import Refusal
from app.operations.newfiles import PRIVATE, NewFile, written

RSA, ECDSA = "rsa2048", "ecdsap256"
KINDS: Final = (RSA, ECDSA)

CertificateKey = Callable[[str, str], bytes | None]  # of an authority and a name: the PEM of the key it has, if any


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A key that was missing."""

    hostname: str  # in ASCII
    path: str  # below the directory of mox.conf
    is_kept: bool  # the key of the present certificate
    pem: bytes = field(repr=False)


def ensure_host_keys(live: Live, certificate_key: CertificateKey, now: float) -> Sequence[HostKey]:
    """Write what is missing and name it in mox.conf; what was made. Raises Refusal, ConfigError, Temporary."""
    if not any(_is_automatic(one) for one in live.static.listeners.values()):
        raise Refusal("no listener has certificates that come by themselves (ACME)")
    made = list(_missing(live, certificate_key, now))

    def edit(static: Static) -> Static:
        listeners = {name: _with_keys(one, static, made) for name, one in static.listeners.items()}
        return dataclasses.replace(static, listeners=listeners)

    if made:
        with written([NewFile(live.path.parent / key.path, key.pem, PRIVATE) for key in made]):
            live.static_file.change(edit, "", "keys of the host name for its certificates")
    return made


def _is_automatic(listener: Listener) -> bool:
    return listener.tls is not None and bool(listener.tls.acme)


def _hostname(listener: Listener, static: Static) -> str:
    return (listener.hostname or static.hostname).ascii


def _missing(live: Live, certificate_key: CertificateKey, now: float) -> Iterator[HostKey]:
    stamp = utc(now).strftime("%Y%m%dT%H%M%S")
    for hostname, (authority, present) in _hosts(live).items():
        theirs = certificate_key(authority, hostname)
        for kind in KINDS:
            if kind not in present:
                is_kept = theirs is not None and kind_of(theirs) == kind
                yield HostKey(
                    hostname=hostname,
                    path=f"hostkeys/{hostname}.{stamp}.{kind}.privatekey.pkcs8.pem",
                    is_kept=is_kept,
                    pem=theirs if is_kept and theirs is not None else _make(kind),
                )


def _hosts(live: Live) -> Mapping[str, tuple[str, set[str]]]:
    """Each host name with an authority and the kinds of keys that it has."""
    found: dict[str, tuple[str, set[str]]] = {}
    for listener in live.static.listeners.values():
        if _is_automatic(listener):
            assert listener.tls is not None
            _, kinds = found.setdefault(_hostname(listener, live.static), (listener.tls.acme, set()))
            kinds |= {kind_of(live.resolve(name).read_bytes()) for name in listener.tls.host_private_key_files}
    return found


def _with_keys(listener: Listener, static: Static, made: Sequence[HostKey]) -> Listener:
    if not _is_automatic(listener):
        return listener
    assert listener.tls is not None
    paths = [key.path for key in made if key.hostname == _hostname(listener, static)]
    files = (*listener.tls.host_private_key_files, *paths)
    return dataclasses.replace(listener, tls=dataclasses.replace(listener.tls, host_private_key_files=files))


def kind_of(pem: bytes) -> str:
    """One of KINDS, or the empty string."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        return ""
    if isinstance(key, rsa.RSAPrivateKey):
        return RSA
    return ECDSA if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1" else ""


def _make(kind: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if kind == RSA:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(*form)
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)
