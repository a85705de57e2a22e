"""The DKIM selectors of each domain as the signer wants them, with their keys loaded."""

from __future__ import annotations

from pathlib import Path

from app.config import dynamic as settings
from app.trust.dkim.keys import load_key
from app.trust.dkim.sign import DEFAULT_HEADERS, Selector
from app.wire.domain import Domain
from app.wire.sconf import parse_duration


def signing_selectors(dynamic: settings.Dynamic, directory: Path) -> dict[Domain, tuple[Selector, ...]]:
    """The selectors each domain signs with; key files are relative to `directory`. The configuration was checked."""
    return {
        domain: tuple(_selector(domain, name, config.dkim.selectors[name], directory) for name in config.dkim.sign)
        for domain, config in dynamic.domains.items()
        if config.dkim and not config.disabled
    }


def _selector(domain: Domain, name: str, selector: settings.Selector, directory: Path) -> Selector:
    canonicalization = selector.canonicalization
    return Selector(
        name=name,
        domain=domain,
        key=load_key((directory / selector.private_key_file).read_bytes()),
        headers=selector.headers or DEFAULT_HEADERS,
        seal=not selector.dont_seal_headers,
        relaxed_header=canonicalization is not None and canonicalization.header_relaxed,
        relaxed_body=canonicalization is not None and canonicalization.body_relaxed,
        expiration_s=int(parse_duration(selector.expiration)) if selector.expiration else 0,
    )
