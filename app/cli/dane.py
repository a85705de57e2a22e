"""Commands about DANE: connect as it demands, and make the TLSA record of a certificate or key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.asking import ask_dns, dnssec, domain_argument
from app.cli.command import Command, Flag, Invocation, UsageError
from app.cli.listing import one_line
from app.cli.smtpdial import SMTP_PORT, addresses, own_name
from app.errors import Refusal

if TYPE_CHECKING:
    import ssl

    from app.cli.terminal import Line
    from app.net.resolver import Resolver
    from app.trust.lookup import Tlsa

SUBMISSIONS_PORT = 465
_USAGES = {"pkix-ta": 0, "pkix-ee": 1, "dane-ta": 2, "dane-ee": 3}
_SELECTORS = {"cert": 0, "spki": 1}
_MATCHINGS = {"full": 0, "sha2-256": 1, "sha2-512": 2}
_NO_MATCH = {
    "no match": "it is not the one in the records",
    "wrong name": "it is for another name",
    "expired": "it is not valid at this time",
    "bad chain": "it was not issued by the authority in the records",
}


def _dial(invocation: Invocation) -> int:
    from app.cli.terminal import host_and_port

    (where,) = invocation.expect(1)
    usages = _usages(invocation.text("usages", "dane-ta,dane-ee"))
    host, port = host_and_port(where, SUBMISSIONS_PORT)
    return ask_dns(lambda resolver: _dial_tls(resolver, host, port, usages))


async def _dial_tls(resolver: Resolver, host: str, port: int, usages: frozenset[int]) -> int:
    from app.cli.terminal import Line

    records = [one for one in await _records(resolver, host, port) if one.usage in usages]
    line = await Line.open((await addresses(resolver, host))[0], port, _unverified(), host)
    try:
        _verify(line, records, (host,))
        await line.copy()
    finally:
        line.close()
    return 0


def _dialmx(invocation: Invocation) -> int:
    name, *rest = invocation.expect(1, 2)
    domain = domain_argument(name).ascii
    wanted = domain_argument(rest[0]).ascii if rest else ""
    hostname = own_name(invocation)
    return ask_dns(lambda resolver: _dial_servers(resolver, domain, wanted, hostname))


async def _dial_servers(resolver: Resolver, domain: str, wanted: str, hostname: str) -> int:
    """The first server that proves itself; what is wrong with those before it is told."""
    answer = await resolver.mx(domain)
    hosts = [mx.host for mx in sorted(answer.records) if mx.host] or [answer.canonical]
    print(f"* mail servers of {domain} ({dnssec(answer.authentic)}): {one_line(', '.join(hosts))}")
    if not answer.authentic:
        raise Refusal(f"the MX records of {domain} are not signed, or the resolver does not check: no DANE")
    if wanted and wanted not in hosts:
        raise Refusal(f"{wanted} is no mail server of {domain}")
    for host in [wanted] if wanted else hosts:
        try:
            line = await _start(resolver, host, domain, hostname)
        except Refusal as err:
            print(f"* {one_line(host)}: {one_line(str(err))}")
            continue
        try:
            await line.copy()
        finally:
            line.close()
        return 0
    return 1


async def _start(resolver: Resolver, host: str, domain: str, hostname: str) -> Line:
    """A conversation with a server that has proven itself."""
    from app.cli.terminal import Line

    records = await _records(resolver, host, SMTP_PORT)
    line = await Line.open((await addresses(resolver, host))[0], SMTP_PORT)
    try:
        if "STARTTLS" not in await line.greet(hostname):
            raise Refusal("the server does not offer STARTTLS")
        await line.start_tls(_unverified(), host)
        _verify(line, records, (host, domain))
        await line.hello(hostname)
    except BaseException:
        line.close()
        raise
    return line


async def _records(resolver: Resolver, host: str, port: int) -> tuple[Tlsa, ...]:
    name = f"_{port}._tcp.{host}"
    answer = await resolver.tlsa(name)
    for one in answer.records:
        print(f"* {one_line(name)} TLSA {text_of(one)}")
    if not answer.records:
        raise Refusal(f"there are no TLSA records at {name}")
    if not answer.authentic:
        raise Refusal(f"the TLSA records at {name} are not signed (or the resolver does not check): they do not count")
    return answer.records


def _verify(line: Line, records: tuple[Tlsa, ...] | list[Tlsa], names: tuple[str, ...]) -> None:
    import datetime

    from app.net.tls import peer_chain
    from app.trust.dane import DaneResult, Names, check, usable

    line.print_tls()
    good = usable(records)
    if not good:
        raise Refusal("none of the TLSA records can be used")
    verdict = check(good, peer_chain(line.ssl_object), Names(names, datetime.datetime.now(datetime.UTC)))
    if verdict.result is not DaneResult.MATCHED or verdict.record is None:
        raise Refusal(f"the certificate is not proven: {_NO_MATCH[verdict.result.value]}")
    print(f"* the certificate is proven by TLSA {text_of(verdict.record)}")


def _unverified() -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _usages(text: str) -> frozenset[int]:
    found = frozenset(_number(one.strip(), _USAGES, "usage") for one in text.split(","))
    if not found <= {2, 3}:
        raise UsageError("only the usages dane-ta (2) and dane-ee (3) are checked")
    return found


def _number(text: str, names: dict[str, int], what: str) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if text in map(str, names.values()):
        return int(text)
    known = ", ".join(f"{name} ({number})" for name, number in names.items())
    raise UsageError(f"{text!r} is no {what}; there are {known}")


def text_of(record: Tlsa) -> str:
    """A record as a zone file writes it."""
    return f"{record.usage} {record.selector} {record.matching} {record.data.hex()}"


def _makerecord(invocation: Invocation) -> int:
    usage, selector, matching, file = invocation.expect(4)
    kinds = (_number(usage, _USAGES, "usage"), _number(selector, _SELECTORS, "selector"))
    form = _number(matching, _MATCHINGS, "type of matching")
    try:
        with open(file, "rb") as opened:
            pem = opened.read(1 << 20)
    except OSError as err:
        raise Refusal(f"cannot read {file}: {err.strerror}") from None
    print(text_of(_record(pem, kinds[0], kinds[1], form)))
    return 0


def _record(pem: bytes, usage: int, selector: int, matching: int) -> Tlsa:
    """The record of the first certificate, or of a key."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, load_pem_public_key

    from app.trust.dane import key_record, make_record

    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            certificate = x509.load_pem_x509_certificates(pem)[0]
            return make_record(usage, selector, matching, certificate.public_bytes(Encoding.DER))
        is_private = b"PRIVATE KEY-----" in pem
        key = load_pem_private_key(pem, None).public_key() if is_private else load_pem_public_key(pem)
    except (ValueError, TypeError):
        raise Refusal("the file has neither a certificate nor a key, in PEM and without a password") from None
    if selector == 0:
        raise Refusal("a record of the whole certificate (cert) needs the certificate; of a key there is spki")
    return key_record(usage, matching, key)


COMMANDS = (
    Command(
        words="dane dial",
        arguments="host:port",
        help="""Connect with TLS to a server whose certificate TLSA records in DNS prove, and talk to it by hand.

The records must be signed, and the resolver of this machine must check that. Lines that are typed go to the server.

    mox dane dial mx.example.org:465
""",
        run=_dial,
        flags=(Flag("usages", "usages that count: dane-ta, dane-ee, or both with a comma", placeholder="list"),),
    ),
    Command(
        words="dane dialmx",
        arguments="domain [desthost]",
        help="""Connect to a mail server of a domain as DANE demands, and talk to it by hand.

Looks up MX and TLSA records, which must be signed, and starts TLS at the first server that proves itself; what is wrong
with the others is told. Exit code 1 when none does.

    mox dane dialmx example.org
""",
        run=_dialmx,
        flags=(Flag("ehlohostname", "name to say in EHLO, instead of this machine's", placeholder="name"),),
    ),
    Command(
        words="dane makerecord",
        arguments="usage selector matchtype file.pem",
        help="""Print the TLSA record for a certificate, or for a public or private key.

usage: pkix-ta (0), pkix-ee (1), dane-ta (2), dane-ee (3); selector: cert (0), spki (1); matchtype: full (0),
sha2-256 (1), sha2-512 (2). For mail servers dane-ee spki sha2-256 is usual.

    mox dane makerecord dane-ee spki sha2-256 mx.example.org.pem
""",
        run=_makerecord,
    ),
)
