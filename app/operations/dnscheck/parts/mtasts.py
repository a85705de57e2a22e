"""MTA-STS: the record, the policy on the web, and whether policy and MX records agree (RFC 8461)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.operations.dnscheck.dialling import ProbeFailed
from app.operations.dnscheck.findings import Notes, Subject
from app.operations.dnscheck.printable import printable, printable_list
from app.operations.dnsrecords import Record

PATH = "/.well-known/mta-sts.txt"
ONE_DAY_S = 24 * 3600
MAX_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as far as it could be read."""

    version: str
    mode: str
    max_age_s: int
    mx: tuple[str, ...]

    def allows(self, host: str) -> bool:
        """Whether a mail host is among those of the policy; a star stands for one label (RFC 8461 §4.1)."""
        return host in self.mx or f"*.{host.partition('.')[2]}" in self.mx


def read_policy(text: str) -> Policy:
    """The policy in a text; what is not there is empty or 0 (RFC 8461 §3.2)."""
    values: dict[str, str] = {}
    mx: list[str] = []
    for line in text.splitlines()[:MAX_LINES]:
        key, colon, value = line.partition(":")
        if colon and key.strip() == "mx":
            mx.append(value.strip().lower().rstrip("."))
        elif colon:
            values.setdefault(key.strip(), value.strip())
    age = values.get("max_age", "")
    return Policy(
        version=values.get("version", ""),
        mode=values.get("mode", ""),
        max_age_s=int(age) if age.isascii() and age.isdigit() and len(age) <= 10 else 0,
        mx=tuple(mx),
    )


async def check_mtasts(subject: Subject, notes: Notes) -> None:
    """Record, policy, and both against the MX records."""
    if subject.config.mtasts is None:
        notes.warn("No MTA-STS policy is configured: others may deliver without TLS.")
        notes.advise("Set MTASTS of the domain in domains.conf, then publish the records that come with it.")
        return
    notes.take(await subject.states(lambda record: _is_ours(subject, record)))
    host = f"mta-sts.{subject.domain.ascii}"
    ips = await subject.addresses(host)
    if not ips:
        notes.error(f"{host} has no address, so nobody can read the policy.")
    for ip in ips[:1]:
        try:
            text = await subject.network.dialler.fetch(host, ip, PATH)
        except ProbeFailed as err:
            notes.error(f"The policy cannot be read at https://{host}{PATH}: {err}")
        else:
            _check_policy(notes, read_policy(text), subject.config.mtasts.mode.value)
            _check_hosts(notes, read_policy(text), await subject.mail_hosts())


def _is_ours(subject: Subject, record: Record) -> bool:
    return record.name in (f"mta-sts.{subject.domain.ascii}", f"_mta-sts.{subject.domain.ascii}")


def _check_policy(notes: Notes, policy: Policy, mode: str) -> None:
    if policy.version != "STSv1":
        notes.error("What stands at the address of the policy is no MTA-STS policy.")
        return
    if policy.mode != mode:
        notes.error(f"The policy on the web says mode {printable(policy.mode, 40) or 'nothing'}, not {mode}.")
    elif mode == "none":
        notes.warn("The policy is switched off (mode none): others may deliver without TLS.")
    elif mode == "testing":
        notes.advise("The policy is in testing mode. Once TLS reports tell of no failures, set it to enforce.")
    if policy.max_age_s < ONE_DAY_S:
        notes.warn("Others forget the policy within a day (max_age); several weeks protect better.")


def _check_hosts(notes: Notes, policy: Policy, hosts: Sequence[str]) -> None:
    if lacking := [host for host in hosts if host and not policy.allows(host)]:
        notes.error(f"The policy does not allow the mail host {printable_list(lacking)}: no mail is delivered there.")
        notes.advise("Make MX of MTASTS in domains.conf the same as the MX records.")
    if unused := [name for name in policy.mx if not name.startswith("*.") and name not in hosts]:
        notes.warn(f"The policy names {printable_list(unused)}, which is no mail host of the domain.")
