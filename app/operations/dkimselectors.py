"""DKIM keys of a domain that is there: add, remove, which ones sign and how, as edits of domains.conf.

A new key does not sign until it is told to: first its record goes into DNS, else what is signed with it fails. The
file of a key that is taken out stays where it is, so that the earlier version of the configuration can come back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from app.config.dynamic import Canonicalization, ConfigDomain, Dkim, DkimHash, Selector
from app.config.live import Live
from app.errors import Refusal
from app.operations.dkimkeys import Algorithm, DkimKey, dkim_settings, key_files, make_key
from app.operations.edits import change_domain
from app.operations.newfiles import written
from app.wire.domain import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How a key signs."""

    hash: DkimHash = DkimHash.SHA256
    canonicalization: Canonicalization | None = None
    headers: tuple[str, ...] = ()
    dont_seal_headers: bool = False
    expiration: str = ""  # such as 72h


@dataclass(frozen=True, slots=True)
class SelectorOf:
    """A selector of a domain."""

    domain: Domain
    name: str


def add_selector(live: Live, of: SelectorOf, algorithm: Algorithm, now: float, *, by: str = "") -> DkimKey:
    """Add a new key, which does not sign yet; its `record` is the text for DNS."""
    name = of.name.strip().lower()
    key = make_key(of.domain, name, algorithm, now)
    selector = dkim_settings([key]).selectors[name]

    def edit(config: ConfigDomain) -> ConfigDomain:
        present = config.dkim or Dkim(selectors={})
        if any(other.lower() == name for other in present.selectors):
            raise Refusal(f"there is a key with the selector {name!r} already; give another")
        return dataclasses.replace(
            config, dkim=dataclasses.replace(present, selectors={**present.selectors, name: selector})
        )

    if not name or "/" in name or name.startswith("."):  # before it becomes the name of a file
        raise Refusal("a selector has letters, digits and hyphens, such as 2026a")
    with written(key_files([key], live.config_dir)):
        change_domain(live, of.domain, edit, by, f"DKIM key {name} added to {of.domain}")
    return key


def remove_selector(live: Live, of: SelectorOf, *, by: str = "") -> None:
    """Take a key out; mail on its way that was signed with it verifies as long as its record stays in DNS."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        dkim = _need_selector(config, of)
        rest = {name: selector for name, selector in dkim.selectors.items() if name != of.name}
        sign = tuple(name for name in dkim.sign if name != of.name)
        return dataclasses.replace(config, dkim=Dkim(selectors=rest, sign=sign) if rest else None)

    change_domain(live, of.domain, edit, by, f"DKIM key {of.name} removed from {of.domain}")


def set_signing_selectors(live: Live, domain: Domain, names: Sequence[str], *, by: str = "") -> None:
    """Say which keys sign; all of them sign each message."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        for name in names:
            _need_selector(config, SelectorOf(domain, name))
        if config.dkim is None:
            return config
        return dataclasses.replace(config, dkim=dataclasses.replace(config.dkim, sign=tuple(dict.fromkeys(names))))

    change_domain(live, domain, edit, by, f"DKIM keys of {domain} that sign changed")


def set_signing(live: Live, of: SelectorOf, signing: Signing, *, by: str = "") -> None:
    """Say how a key signs."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        dkim = _need_selector(config, of)
        present: Selector = dkim.selectors[of.name]
        selector = dataclasses.replace(
            present,
            hash=signing.hash,
            canonicalization=signing.canonicalization,
            headers=signing.headers,
            dont_seal_headers=signing.dont_seal_headers,
            expiration=signing.expiration.strip(),
        )
        selectors = {**dkim.selectors, of.name: selector}
        return dataclasses.replace(config, dkim=dataclasses.replace(dkim, selectors=selectors))

    change_domain(live, of.domain, edit, by, f"DKIM key {of.name} of {of.domain} changed")


def _need_selector(config: ConfigDomain, of: SelectorOf) -> Dkim:
    if config.dkim is None or of.name not in config.dkim.selectors:
        raise Refusal(f"{of.domain} has no key with the selector {of.name!r}")
    return config.dkim
