"""The ports of a mail server: is each free, and if not, who has it and how is that program stopped?

Only addresses that we would listen on count: a program that listens on loopback alone is not in the way of a server
that listens on its public addresses. A taken port 80 or 443 is no fault: the next step asks about the web server.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from app.wire.smtp.address import IPAddress
from quickstart.checks.finding import Context, Finding, State, listed, ok, printable
from quickstart.machine import Binding, Machine
from quickstart.probes.listening import Listening

PURPOSES: Mapping[int, str] = {
    25: "mail from other servers",
    80: "web, and certificates",
    443: "web, and certificates",
    465: "mail programs sending",
    587: "mail programs sending, the older way",
    993: "mail programs reading",
}
WEB_PORTS = (80, 443)
EVERYWHERE: tuple[IPAddress, ...] = (ipaddress.IPv4Address(0), ipaddress.IPv6Address(0))


@dataclass(frozen=True, slots=True)
class Program:
    """A program that people know, and the unit by which systemd runs it."""

    name: str
    unit: str = ""


KNOWN: Mapping[str, Program] = {
    "master": Program("Postfix", "postfix"),
    "smtpd": Program("OpenSMTPD", "opensmtpd"),
    "exim4": Program("Exim", "exim4"),
    "exim": Program("Exim", "exim"),
    "sendmail-mta": Program("Sendmail", "sendmail"),
    "dovecot": Program("Dovecot", "dovecot"),
    "imap-login": Program("Dovecot", "dovecot"),
    "cyrmaster": Program("Cyrus IMAP", "cyrus-imapd"),
    "nginx": Program("nginx", "nginx"),
    "apache2": Program("Apache", "apache2"),
    "httpd": Program("Apache", "httpd"),
    "caddy": Program("Caddy", "caddy"),
    "traefik": Program("Traefik", "traefik"),
    "haproxy": Program("HAProxy", "haproxy"),
    "lighttpd": Program("lighttpd", "lighttpd"),
    "docker-proxy": Program("a Docker container"),
}


async def holders(machine: Machine, port: int, ips: Sequence[IPAddress] = ()) -> tuple[Listening, ...]:
    """Who is in our way on a port, when we listen on `ips` or, without them, on all addresses."""
    wanted = set(ips) or set(EVERYWHERE)
    found = await machine.listeners(port)
    return tuple(one for one in found if one.address.is_unspecified or wanted & {one.address, *EVERYWHERE})


def name_of(found: Sequence[Listening]) -> str:
    """The programs, by names that people know: "nginx", "probably Postfix", or "another program"."""
    return listed(list(dict.fromkeys(map(_name, found)))) or "another program"


def _name(one: Listening) -> str:
    program = KNOWN[one.program].name if one.program in KNOWN else printable(one.program)
    return f"probably {program}" if program and one.is_guess else program or "another program"


def check_of(port: int) -> Callable[[Context], Awaitable[Finding]]:
    """The check of one port."""

    async def check(context: Context) -> Finding:
        return await _check(context, port)

    return check


async def _check(context: Context, port: int) -> Finding:
    ips = context.question.ips
    found, bindings = await _look(context, port)
    if Binding.TAKEN in bindings.values() and not found:  # whoever it is came, or went, between the two looks
        found, bindings = await _look(context, port)
    taken = Binding.TAKEN in bindings.values()
    if found or taken:
        if port in WEB_PORTS:
            return _web(port, found)
        only_here = bool(found) and all(one.address.is_loopback for one in found)
        # One address that cannot be had is enough: the server starts with all of them or not at all.
        return _held(port, found, blocks=port == 25 and taken and not only_here)
    if Binding.FORBIDDEN in bindings.values():
        return ok(f"Free, as far as can be seen without root ({PURPOSES[port]}).")
    if Binding.FREE not in bindings.values():
        return _no_address(port, ips)
    return ok(f"Free ({PURPOSES[port]}).")


async def _look(context: Context, port: int) -> tuple[tuple[Listening, ...], dict[IPAddress, Binding]]:
    """Who listens, and where we could."""
    ips = context.question.ips
    found = await holders(context.machine, port, ips)
    return found, {ip: context.machine.can_bind(ip, port) for ip in ips or EVERYWHERE}


def _facts(found: Sequence[Listening]) -> dict[str, list[str]]:
    return {"Listening": [f"{_name(one)} on {one.address}" for one in found]}


def _web(port: int, found: Sequence[Listening]) -> Finding:
    return Finding(
        state=State.WARN,
        summary=f"Held by {name_of(found)}. That is fine: the next step puts the two side by side.",
        meaning="A web server runs on this machine already, and it can stay.",
        breaks="Nothing, if it passes a few requests on to this server.",
        fix="Go on; the step about the web server has the lines to add to it (on the command line: "
        f"-existing-webserver). Or stop it, then this server does the web on port {port} itself.",
        facts=_facts(found),
    )


def _held(port: int, found: Sequence[Listening], *, blocks: bool) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"Held by {name_of(found)} ({PURPOSES[port]}).",
        meaning=f"Another program listens on port {port}, and only one can.",
        breaks=_BREAKS[port],
        fix=how_to_stop(port, found),
        blocks=blocks,
        facts=_facts(found),
    )


_BREAKS: Mapping[int, str] = {
    25: "No mail from other servers reaches this one.",
    465: "Mail programs cannot send.",
    587: "Nothing at first: this port is only used when you turn it on.",
    993: "Mail programs cannot read mail.",
}


def how_to_stop(port: int, found: Sequence[Listening]) -> str:
    """The commands that stop the programs which are known."""
    units = dict.fromkeys(KNOWN[one.program].unit for one in found if one.program in KNOWN)
    commands = [f"systemctl disable --now {unit}" for unit in units if unit]
    if commands:
        return f"If you do not need it, stop it for good, as root: {'; '.join(commands)}. Then check again."
    if any(one.program == "docker-proxy" for one in found):
        return f'Find the container with: docker ps --filter "publish={port}", stop it, then check again.'
    return f"See who it is, as root: ss -ltnp 'sport = :{port}'. Stop that program, then check again."


def _no_address(port: int, ips: Sequence[IPAddress]) -> Finding:
    return Finding(
        state=State.BAD,
        summary=f"This machine does not have {listed(ips) or 'an address to listen on'}.",
        meaning="The chosen addresses are not those of an interface of this machine.",
        breaks=f"Nothing can listen on port {port} there.",
        fix="Choose addresses that the command ip address show lists; behind NAT choose none.",
    )
