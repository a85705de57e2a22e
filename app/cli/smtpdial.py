"""The command that connects to a mail server and lets a person talk SMTP, over TLS where there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.asking import ask_dns
from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.errors import Refusal

if TYPE_CHECKING:
    import ssl

    from app.net.resolver import Resolver
    from app.wire.smtp.address import IPAddress

SMTP_PORT = 25


def _dial(invocation: Invocation) -> int:
    from app.cli.terminal import host_and_port

    (where,) = invocation.expect(1)
    if invocation.given("notls") and (invocation.given("forcetls") or invocation.given("tlsverify")):
        raise UsageError("-notls cannot be together with -forcetls or -tlsverify")
    host, port = host_and_port(where, SMTP_PORT)
    context = _context(invocation)
    return ask_dns(lambda resolver: _talk(invocation, context, (host, port), resolver))


async def _talk(invocation: Invocation, context: ssl.SSLContext, place: tuple[str, int], resolver: Resolver) -> int:
    from app.cli.terminal import Line

    host, port = place
    line = await Line.open((await addresses(resolver, host))[0], port)
    try:
        hostname = own_name(invocation)
        offers = await line.greet(hostname)
        if not invocation.given("notls") and ("STARTTLS" in offers or invocation.given("forcetls")):
            await line.start_tls(context, invocation.text("remotehostname", host))
            line.print_tls()
            await line.hello(hostname)
        elif invocation.given("tlsverify"):
            raise Refusal(f"{host} does not offer STARTTLS")
        await line.copy()
    finally:
        line.close()
    return 0


async def addresses(resolver: Resolver, host: str) -> tuple[IPAddress, ...]:
    """Where a host is; at least one."""
    import ipaddress

    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        found = (await resolver.addresses(host)).records
    if not found:
        raise Refusal(f"{host} has no address")
    return found


def own_name(invocation: Invocation) -> str:
    """The name to say in EHLO."""
    import socket

    name = invocation.text("ehlohostname") or socket.gethostname()
    if not name.isascii() or not name.isprintable() or " " in name or not name:
        raise Refusal(f"{name!r} is no name to say in EHLO; give one with -ehlohostname")
    return name


_VERSIONS = {"tls1.2": "TLSv1_2", "tls1.3": "TLSv1_3"}


def _context(invocation: Invocation) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    if not invocation.given("tlsverify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        for name, attribute in (("tlsversionmin", "minimum_version"), ("tlsversionmax", "maximum_version")):
            if word := invocation.text(name):
                setattr(context, attribute, ssl.TLSVersion[_VERSIONS[word]])
        if suites := invocation.text("tlsciphersuites"):
            context.set_ciphers(suites.replace(",", ":"))
        if curve := invocation.text("tlscurves"):
            context.set_ecdh_curve(curve)
        if files := invocation.text("tlscerts"):
            context.load_cert_chain(*files.split(",", 1))
    except KeyError as err:
        raise UsageError(f"{err.args[0]!r} is no version of TLS; say tls1.2 or tls1.3") from None
    except (OSError, ValueError) as err:  # ssl.SSLError is an OSError
        raise Refusal(f"these TLS settings cannot be used: {err}") from None
    if invocation.given("tlsnosessiontickets"):
        context.options |= ssl.OP_NO_TICKET
    return context


COMMANDS = (
    Command(
        words="smtp dial",
        arguments="host[:port]",
        help="""Connect to a mail server, start TLS, and talk to it by hand.

Says EHLO and STARTTLS where that is offered, and EHLO again. Then each line that is typed goes to the server, and what
it says is printed. The port is 25 unless given. The certificate is only checked with -tlsverify.

    mox smtp dial -tlsverify mx.example.org
""",
        run=_dial,
        flags=(
            Flag("ehlohostname", "name to say in EHLO, instead of this machine's", placeholder="name"),
            Flag("forcetls", "start TLS even where it is not offered", Value.NOTHING),
            Flag("notls", "do not start TLS", Value.NOTHING),
            Flag("remotehostname", "name that the certificate must be for, instead of the host", placeholder="name"),
            Flag("tlsverify", "check the certificate, and do without TLS in no case", Value.NOTHING),
            Flag("tlscerts", "file with our certificate, and after a comma that of its key", placeholder="files"),
            Flag("tlsciphersuites", "cipher suites of TLS 1.2, as OpenSSL names them", placeholder="names"),
            Flag("tlscurves", "curve for the key exchange, such as prime256v1", placeholder="name"),
            Flag("tlsnosessiontickets", "ask for no session ticket", Value.NOTHING),
            Flag("tlsversionmin", "lowest version: tls1.2 or tls1.3", placeholder="version"),
            Flag("tlsversionmax", "highest version: tls1.2 or tls1.3", placeholder="version"),
        ),
    ),
)
