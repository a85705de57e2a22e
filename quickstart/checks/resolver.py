"""The DNS resolver: does it answer, and does it verify DNSSEC?

Whether it verifies is seen by the AD bit on the servers of "com", which is signed. That never stops a set-up.
"""

from __future__ import annotations

from app.trust.lookup import LookupFailed
from quickstart.checks.finding import Context, Finding, State, ok, printable

SIGNED_ZONE = "com"
_INSTALL = (
    "Install a resolver of your own, as root: apt install unbound. Then let the machine use it: systemctl disable "
    "--now systemd-resolved (where that runs), and put the one line “nameserver 127.0.0.1” into /etc/resolv.conf."
)


async def is_usable(context: Context) -> bool:
    """Whether "there is no such name" can be believed: some resolvers say it of everything. Raises LookupFailed."""
    return bool((await context.resolver.ns(SIGNED_ZONE)).records)


async def check(context: Context) -> Finding:
    """Works and verifies; works; does not work."""
    try:
        answer = await context.resolver.ns(SIGNED_ZONE)
    except LookupFailed as error:
        return _broken(printable(error.reason))
    if not answer.records:
        return _broken(f"it says that {SIGNED_ZONE} has no servers")
    if answer.authentic:
        return ok("DNS works, and answers are verified (DNSSEC).")
    return Finding(
        state=State.WARN,
        summary="DNS works, but nothing here verifies answers (DNSSEC).",
        meaning="The resolver that this machine uses does not check signatures in DNS, or is on another machine and so "
        "cannot be trusted to have done so.",
        breaks="Mail works. What it misses: keys of other servers that are published in DNS (DANE) cannot be used.",
        fix=_INSTALL,
    )


def _broken(reason: str) -> Finding:
    return Finding(
        state=State.BAD,
        summary="DNS does not work here.",
        meaning=f"A question that every resolver can answer (the servers of “{SIGNED_ZONE}”) got no answer: {reason}.",
        breaks="Almost everything: no mail goes out, and mail that comes in cannot be judged.",
        fix="See that /etc/resolv.conf names a resolver that answers, and that a firewall lets port 53 out (UDP and "
        f"TCP). {_INSTALL}",
    )
