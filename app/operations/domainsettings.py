"""Settings of a domain, as edits of domains.conf: names, which localparts are the same, reports, MTA-STS.

Each verb changes the settings that belong together and leaves all others as they are at that moment. What these
settings ask of DNS is in `dnsrecords.py`; DKIM keys are in `dkimselectors.py`.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.clock import utc
from app.config.dynamic import ConfigDomain, Dynamic, MtaSts, MtaStsMode, ReportAddress
from app.config.live import Live
from app.config.lookup import canonical_localpart, destination_address
from app.config.schema import Seconds
from app.errors import Refusal, WireError
from app.operations.accountsettings import mailbox_name
from app.operations.edits import change, change_domain, need_domain, plain_text, with_domain, wrong_setting
from app.operations.localaddresses import all_held, canonical_address, holder
from app.wire.domain import Domain
from app.wire.smtp.address import write_localpart

MAX_POLICY_AGE = Seconds(31557600.0)  # RFC 8461 §3.2


class Reports(enum.Enum):
    """Which reports of others about a domain."""

    DMARC = "DMARC"
    TLS = "TLSRPT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An MTA-STS policy without the id, which follows from its changes."""

    mode: MtaStsMode
    max_age: Seconds
    mx: tuple[str, ...] = ()  # our host name when empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Localparts:
    """Which addresses of a domain are the same."""

    separators: tuple[str, ...] = ()  # what follows one of these is ignored
    case_sensitive: bool = False


def set_description(live: Live, domain: Domain, description: str, *, by: str = "") -> None:
    """Set the administrator's words about the domain."""
    change_domain(
        live,
        domain,
        lambda config: dataclasses.replace(config, description=plain_text("Description", description)),
        by,
        f"description of domain {domain} changed",
    )


def set_client_settings_domain(live: Live, domain: Domain, host: Domain | None, *, by: str = "") -> None:
    """Set the host name that mail programs are told; None for the server's own."""
    change_domain(
        live,
        domain,
        lambda config: dataclasses.replace(config, client_settings_domain=host),
        by,
        f"host name for mail programs of domain {domain} changed",
    )


def set_localparts(live: Live, domain: Domain, wanted: Localparts, *, by: str = "") -> None:
    """Set which addresses are the same; refused when two that there are would become the same."""
    separators = tuple(dict.fromkeys(one.strip() for one in wanted.separators if one.strip()))
    is_single = len(separators) == 1

    def edit(dynamic: Dynamic) -> Dynamic:
        config = dataclasses.replace(
            need_domain(dynamic, domain),
            localpart_catchall_separator=separators[0] if is_single else "",
            localpart_catchall_separators=() if is_single else separators,
            localpart_case_sensitive=wanted.case_sensitive,
        )
        _refuse_clashes(dynamic, domain, config)
        return with_domain(dynamic, domain, config)

    change(live, edit, by, f"addresses of domain {domain} that are the same changed")


def set_reports(live: Live, domain: Domain, kind: Reports, wanted: ReportAddress | None, *, by: str = "") -> None:
    """Set the address, account and mailbox that reports about the domain go to; None asks for none."""
    tidy = wanted and dataclasses.replace(
        wanted, localpart=wanted.localpart.strip(), mailbox=mailbox_name("Mailbox", wanted.mailbox)
    )

    def edit(dynamic: Dynamic) -> Dynamic:
        if tidy:
            _refuse_used(dynamic, domain, tidy)
        config = need_domain(dynamic, domain)
        is_dmarc = kind is Reports.DMARC
        changed = dataclasses.replace(config, dmarc=tidy) if is_dmarc else dataclasses.replace(config, tlsrpt=tidy)
        return with_domain(dynamic, domain, changed)

    change(live, edit, by, f"address for {kind.value} reports about {domain} changed")


def set_mtasts(live: Live, domain: Domain, policy: Policy | None, now: float, *, by: str = "") -> None:
    """Set the MTA-STS policy, with a new id when it differs; None has none."""
    if policy and policy.max_age > MAX_POLICY_AGE:
        raise wrong_setting("MaxAge", "others may remember a policy for a year at most (RFC 8461 §3.2)")

    def edit(config: ConfigDomain) -> ConfigDomain:
        return dataclasses.replace(config, mtasts=_policy(config.mtasts, policy, now) if policy else None)

    change_domain(live, domain, edit, by, f"MTA-STS policy of {domain} changed")


def _policy(present: MtaSts | None, wanted: Policy, now: float) -> MtaSts:
    old = present.policy_id if present else ""
    policy = MtaSts(policy_id=old, mode=wanted.mode, max_age=wanted.max_age, mx=wanted.mx)
    return present if present == policy else dataclasses.replace(policy, policy_id=_new_id(old, now))


def _new_id(old: str, now: float) -> str:
    """The time; with more of it when there was a policy of the same second (RFC 8461 §3.1: at most 32 characters)."""
    stamp = utc(now).strftime("%Y%m%dT%H%M%S")
    return utc(now).strftime("%Y%m%dT%H%M%S%f") if old.startswith(stamp) else stamp


def _refuse_used(dynamic: Dynamic, domain: Domain, report: ReportAddress) -> None:
    """Mail to a report address goes to reports alone, so it may not be somebody else's."""
    address = f"{report.localpart}@{report.domain or domain}"
    held = holder(dynamic, address)
    if held and held.account != report.account:
        raise Refusal(
            f"{held.key} is an address of the account {held.account!r}, whose mail would be taken for reports"
        )
    wanted = canonical_address(dynamic, address)
    for name, config in dynamic.domains.items():
        if any(canonical_address(dynamic, f"{localpart}@{name}") == wanted for localpart in config.aliases):
            raise Refusal(f"{address} is an alias, whose mail would be taken for reports")


def _refuse_clashes(dynamic: Dynamic, domain: Domain, config: ConfigDomain) -> None:
    seen: dict[str, str] = {}
    for localpart in _localparts(dynamic, domain):
        if found := next((one for one in config.separators if one in localpart), ""):
            text = f"{write_localpart(localpart)}@{domain} has {found!r} in it; rename that address first"
            raise Refusal(text)
        canonical = canonical_localpart(config, localpart)
        if other := seen.get(canonical):
            raise Refusal(
                f"{other}@{domain} and {localpart}@{domain} would be the same address; remove one of them first"
            )
        seen[canonical] = localpart


def _localparts(dynamic: Dynamic, domain: Domain) -> Iterator[str]:
    """The localparts of a domain: of accounts and of aliases."""
    keys: Sequence[str] = [held.key for held in all_held(dynamic)]
    for key in (*keys, *(f"{alias}@{domain}" for alias in dynamic.domains[domain].aliases)):
        try:
            localpart, at = destination_address(key)
        except WireError:
            continue
        if at == domain and localpart:
            yield localpart
