"""DKIM keys of a domain: make them, name their files and selectors, configure them.

A new domain gets two keys that both sign every message: RSA of 2048 bits, which everyone verifies, and Ed25519, which
is shorter and which more and more do (RFC 8463 §3 asks for both). Selectors are the year and a letter, as mox has them.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.clock import utc
from app.config.dynamic import Canonicalization, Dkim, Selector
from app.operations.newfiles import PRIVATE, NewFile
from app.trust.dkim.keys import load_key, make_ed25519, make_rsa
from app.wire.domain import Domain

EXPIRATION = "72h"
RELAXED = Canonicalization(header_relaxed=True, body_relaxed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """A new key: its selector, its file below the config directory, and its PEM."""

    selector: str
    path: str
    pem: bytes = field(repr=False)

    @property
    def record(self) -> str:
        """The text of its DNS record."""
        return load_key(self.pem).record()


class Algorithm(enum.Enum):
    """The kind of a key."""

    RSA = "rsa2048"
    ED25519 = "ed25519"


def make_keys(domain: Domain, now: float) -> tuple[DkimKey, DkimKey]:
    """An RSA and an Ed25519 key, with the selectors `<year>a` and `<year>b`."""
    year = utc(now).year
    return (
        make_key(domain, f"{year}a", Algorithm.RSA, now),
        make_key(domain, f"{year}b", Algorithm.ED25519, now),
    )


def make_key(domain: Domain, selector: str, algorithm: Algorithm, now: float) -> DkimKey:
    """One key."""
    pem = make_rsa() if algorithm is Algorithm.RSA else make_ed25519()
    stamp = utc(now).strftime("%Y%m%dT%H%M%S")
    name = f"{selector}._domainkey.{domain.ascii}.{stamp}.{algorithm.value}.privatekey.pkcs8.pem"
    return DkimKey(selector=selector, path=f"dkim/{name}", pem=pem)


def make_ed25519_key(domain: Domain, selector: str, now: float) -> DkimKey:
    """One Ed25519 key."""
    return make_key(domain, selector, Algorithm.ED25519, now)


def key_files(keys: Sequence[DkimKey], config_dir: Path) -> list[NewFile]:
    """The files to write for the keys."""
    return [NewFile(config_dir / key.path, key.pem, PRIVATE) for key in keys]


def dkim_settings(keys: Sequence[DkimKey]) -> Dkim:
    """The configuration that signs with all of these."""
    selectors = {
        key.selector: Selector(canonicalization=RELAXED, expiration=EXPIRATION, private_key_file=key.path)
        for key in keys
    }
    return Dkim(selectors=selectors, sign=tuple(selectors))
