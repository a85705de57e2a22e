"""The domain: does it exist, who has its mail today, and how old is it?"""

from __future__ import annotations

from collections.abc import Sequence

from app.clock import utc
from app.trust.lookup import LookupFailed, Mx
from app.wire.domain import Domain
from quickstart.checks.finding import Context, Finding, State, dns_failed, listed, not_asked, ok, printable
from quickstart.checks.resolver import is_usable

YOUNG_S = 6 * 7 * 24 * 3600
REGISTRATION_S = 8.0
USELESS = "the resolver knows no names at all"
_KNOWN_MAIL = {
    "google.com": "Google",
    "googlemail.com": "Google",
    "outlook.com": "Microsoft",
    "protection.outlook.com": "Microsoft",
    "zoho.com": "Zoho",
    "zoho.eu": "Zoho",
    "messagingengine.com": "Fastmail",
    "protonmail.ch": "Proton",
    "icloud.com": "Apple iCloud",
    "yahoodns.net": "Yahoo",
    "yandex.net": "Yandex",
    "mailbox.org": "mailbox.org",
    "ovh.net": "OVH",
    "kundenserver.de": "IONOS",
    "ionos.com": "IONOS",
    "your-server.de": "Hetzner",
    "secureserver.net": "GoDaddy",
    "registrar-servers.com": "Namecheap",
    "gandi.net": "Gandi",
    "mx.cloudflare.net": "Cloudflare",
}


async def check(context: Context) -> Finding:
    """Whether the domain is there, and where its mail goes today."""
    domain = context.question.address.domain
    try:
        zone, exists = await _zone(context, domain.ascii)
        if not zone:
            return _absent(domain) if await is_usable(context) else dns_failed(f"whether {domain} exists", USELESS)
        if not exists:
            return _below(domain, zone)
        exchangers = sorted((await context.resolver.mx(domain.ascii)).records)
        return await _mail_today(context, domain, exchangers)
    except LookupFailed as error:
        return dns_failed(f"whether {domain} exists", error.reason)


async def _zone(context: Context, name: str) -> tuple[str, bool]:
    """The nearest zone at or above a name, "" without one below the top level, and whether the name itself exists."""
    exists = True
    labels = name.split(".")
    for start in range(len(labels) - 1):
        answer = await context.resolver.ns(".".join(labels[start:]))
        if start == 0:
            exists = answer.exists
        if answer.records:
            return ".".join(labels[start:]), exists
    return "", exists


async def _mail_today(context: Context, domain: Domain, exchangers: Sequence[Mx]) -> Finding:
    hosts = [one.host for one in exchangers]
    if not hosts:
        return ok(f"{domain} is registered and has no mail yet.")
    if hosts == [""]:
        return _null_mx(domain)
    if hosts == [context.question.hostname.ascii]:
        return ok(f"{domain} is registered, and its mail comes to {hosts[0]}.", {"MX": hosts})
    return _foreign(context, domain, hosts)


def mail_provider(host: str) -> str:
    """The name of a known mail provider, else the host itself."""
    known = (name for end, name in _KNOWN_MAIL.items() if host == end or host.endswith("." + end))
    return next(known, printable(host))


def _foreign(context: Context, domain: Domain, hosts: Sequence[str]) -> Finding:
    others = [host for host in hosts if host and host != context.question.hostname.ascii]
    where = listed(list(dict.fromkeys(map(mail_provider, others)))[:3])
    return Finding(
        state=State.WARN,
        summary=f"The mail of {domain} is at {where} today.",
        meaning="The MX records send mail for this domain to another server. Set-up changes nothing there; only you "
        "can, in DNS.",
        breaks="Until you change the MX records, no mail comes here. Once you do, none comes there any more.",
        fix="Set up everything here first, make all addresses that are in use, copy the old mail over, then change the "
        f"MX records to {context.question.hostname.ascii}. To try it without risk, use a subdomain such as "
        f"test.{domain}.",
        facts={"MX": [printable(host) for host in hosts]},
    )


def _null_mx(domain: Domain) -> Finding:
    return Finding(
        state=State.WARN,
        summary=f"DNS says that {domain} takes no mail.",
        meaning="There is a null MX record (RFC 7505), by which a domain says that it has no mail at all.",
        breaks="Nobody sends mail there.",
        fix="Replace the record “MX 0 .” by the MX record that set-up shows.",
        facts={"MX": ["."]},
    )


def _absent(domain: Domain) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"DNS does not know {domain}.",
        meaning="The domain is not registered, was registered minutes ago, or is not typed as it is spelt.",
        breaks="Without it there are no addresses: no mail comes in, and what you send is refused.",
        fix="Compare the spelling. Register the domain with a registrar and let them run its DNS, then check again.",
    )


def _below(domain: Domain, zone: str) -> Finding:
    return Finding(
        state=State.WARN,
        summary=f"There is nothing in DNS for {domain} yet; the zone above it is {zone}.",
        meaning=f"If {zone} is yours, that is as it should be: the records come with set-up. If it is a suffix under "
        "which domains are sold, yours is not registered.",
        breaks="No mail comes in until the records are published.",
        fix=f"If {zone} is not yours, register {domain} first.",
    )


async def check_age(context: Context) -> Finding:
    """How long the domain has been registered."""
    if context.question.skip_dial:
        return not_asked("how old the domain is")
    domain = context.question.address.domain
    found = await context.machine.registration(domain.ascii, REGISTRATION_S)
    if found.registered is None:
        return _age_unknown(printable(found.reason))
    day = utc(found.registered).strftime("%d %B %Y").lstrip("0")
    if context.clock.now() - found.registered >= YOUNG_S:
        return ok(f"Registered since {day}.")
    return Finding(
        state=State.WARN,
        summary=f"Registered only since {day}.",
        meaning="Junk is often sent from domains that are days old, so others distrust them for some weeks.",
        breaks="For about six weeks more of your mail is taken for junk than later.",
        fix="Nothing to mend: send little and to people you know at first, and let them answer. Use the domain for "
        "anything important when it is older.",
    )


def _age_unknown(reason: str) -> Finding:
    return Finding(
        state=State.UNKNOWN,
        summary="The age of the domain could not be found out.",
        meaning=f"{reason[:1].upper()}{reason[1:]}. Not every registry tells.",
        breaks="Nothing. Only: mail from domains younger than about six weeks is often taken for junk.",
        fix="Nothing to mend; your registrar's page shows the day of registration.",
    )
