"""The host name: is it a full one, does DNS lead to this machine, and is /etc/hosts in the way?"""

from __future__ import annotations

from collections.abc import Sequence

from app.trust.lookup import Answer, LookupFailed
from app.wire.smtp.address import IPAddress
from quickstart.checks.addresses import own_addresses
from quickstart.checks.finding import Context, Finding, State, dns_failed, listed, ok, printable


async def check(context: Context) -> Finding:
    """The first fault there is, the worst kinds first."""
    name = context.question.hostname.ascii
    if "." not in name:
        return _single_label(name, context.question.address.domain.ascii)
    try:
        answer = await context.resolver.addresses(name)
    except LookupFailed as error:
        return dns_failed(f"the addresses of {name}", error.reason)
    own = own_addresses(context)
    finding = _in_dns(name, answer, own) or _in_hosts(name, context.machine.addresses_in_hosts(name))
    if finding is not None:
        return finding
    facts = {"Addresses": [str(ip) for ip in answer.records], "The system calls itself": [context.machine.hostname()]}
    if not own:
        return ok(
            f"{name} has {listed(answer.records)} in DNS; whether that leads here cannot be seen from here.", facts
        )
    return ok(f"{name} leads to this machine.", facts)


def _in_dns(name: str, answer: Answer[IPAddress], own: Sequence[IPAddress]) -> Finding | None:
    if not answer.records:
        return _missing(name, own)
    if any(ip.is_loopback for ip in answer.records):
        return _loopback_in_dns(name, answer)
    if answer.canonical != name.lower():
        return _alias(name, answer.canonical)
    if own and (strangers := [ip for ip in answer.records if ip not in own]):
        return _elsewhere(name, strangers, own)
    if absent := [
        ip for ip in own if ip not in answer.records and ip.version not in {r.version for r in answer.records}
    ]:
        return _half(name, absent)
    return None


def _single_label(name: str, domain: str) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f'"{name}" is only the first part of a host name.',
        meaning="Other servers want the full name of a mail server, and must find it in DNS.",
        breaks="Much of your mail is refused, and no certificate can be had.",
        fix=f"Choose a full name such as mail.{domain}: go back and enter it, or use -hostname mail.{domain}.",
    )


def _missing(name: str, own: Sequence[IPAddress]) -> Finding:
    wanted = [f"{name}. {'A' if ip.version == 4 else 'AAAA'} {ip}" for ip in own]
    return Finding(
        state=State.WARN,
        summary=f"DNS has no address for {name} yet.",
        meaning="Nobody can find this machine by its name. On a new set-up that is as expected.",
        breaks="No mail comes in, and no certificate can be had, until the records are there.",
        fix="Publish the address records with whoever holds the domain's DNS; set-up shows them with all others: "
        + ("; ".join(wanted) or f"an A record for {name} with your outer address")
        + ".",
        facts={"To publish": wanted},
    )


def _loopback_in_dns(name: str, answer: Answer[IPAddress]) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"{name} leads to {listed(answer.records)}: every machine itself.",
        meaning="The records in DNS, or a resolver that reads /etc/hosts, give an address that means “this machine”.",
        breaks="Others that look for your server connect to themselves: no mail comes in.",
        fix=f"Publish this machine's public address for {name} in DNS. If DNS has it already, remove {name} from the "
        "127. lines of /etc/hosts.",
        facts={"Addresses": [str(ip) for ip in answer.records]},
    )


def _alias(name: str, canonical: str) -> Finding:
    target = printable(canonical)
    return Finding(
        state=State.WARN,
        summary=f"{name} is an alias (CNAME) of {target}.",
        meaning="The name of a mail server must have address records of its own: MX records may not lead to an alias.",
        breaks="Some servers do not deliver, and reverse DNS does not match.",
        fix=f"In DNS replace the CNAME record of {name} by A and AAAA records, or take {target} as host name.",
    )


def _elsewhere(name: str, strangers: Sequence[IPAddress], own: Sequence[IPAddress]) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"{name} leads to {listed(strangers)}, which is not this machine.",
        meaning=f"DNS has other addresses for the host name than the ones that this machine has: {listed(own)}.",
        breaks="Mail and mail programs go to the other machine; no certificate can be had here.",
        fix=f"Change the A and AAAA records of {name} to {listed(own)}, or choose another host name. If another "
        "machine passes connections on to this one (NAT), go on.",
        facts={"In DNS": [str(ip) for ip in strangers], "This machine": [str(ip) for ip in own]},
    )


def _half(name: str, absent: Sequence[IPAddress]) -> Finding:
    kind = "AAAA" if absent[0].version == 6 else "A"
    return Finding(
        state=State.WARN,
        summary=f"{name} has no {kind} record, but this machine has IPv{absent[0].version}.",
        meaning="Mail goes out by an address that the host name does not have.",
        breaks=f"Servers that are reached over IPv{absent[0].version} may refuse your mail, as name and address do not "
        "match.",
        fix=f"Publish: {name}. {kind} {absent[0]}",
        facts={"To publish": [f"{name}. {kind} {ip}" for ip in absent]},
    )


def _in_hosts(name: str, listed_there: Sequence[IPAddress]) -> Finding | None:
    traps = [ip for ip in listed_there if ip.is_loopback]
    if not traps:
        return None
    return Finding(
        state=State.WARN,
        summary=f"/etc/hosts says that {name} is {listed(traps)}.",
        meaning="Programs on this machine believe that file before DNS, and so get an address that only works here. "
        "Debian writes such a line when it is installed.",
        breaks="This mail server asks DNS and is not misled; other programs here, such as a web server in front, are.",
        fix=f"Remove {name} from that line of /etc/hosts, and leave the short name and localhost.",
        facts={"/etc/hosts": [f"{ip} {name}" for ip in traps]},
    )
