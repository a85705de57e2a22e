"""Commands about DKIM that need a private key: make keys, print their DNS records, sign a message."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from app.cli.command import Command, Invocation
from app.cli.messagefile import read_message
from app.errors import Refusal

if TYPE_CHECKING:
    from app.trust.dkim.sign import Selector
    from app.wire.smtp.address import Address

MAX_PEM = 64 * 1024  # bytes of a key file


def _make_ed25519(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.trust.dkim.keys import make_ed25519

    sys.stdout.write(make_ed25519().decode())
    return 0


def _make_rsa(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.trust.dkim.keys import make_rsa

    sys.stdout.write(make_rsa().decode())
    return 0


def _txt(invocation: Invocation) -> int:
    invocation.expect(0)
    from app.trust.dkim.keys import load_key, record_strings

    text = load_key(sys.stdin.buffer.read(MAX_PEM)).record()
    strings = record_strings(text)
    print(text)
    if len(strings) > 1:
        print("\nIn a zone file, which holds at most 255 bytes in one string:\n")
        print("TXT (", *(f'  "{one}"' for one in strings), ")", sep="\n")
    return 0


def _sign(invocation: Invocation) -> int:
    (name,) = invocation.expect(1)
    import time

    from app.trust.dkim.sign import sign

    message = read_message(name)
    author = _author(message)
    fields = sign(message, _selectors(invocation, author), identity=author, now=int(time.time()))
    sys.stdout.buffer.write(fields + message)
    return 0


def _author(message: bytes) -> Address:
    """The one address that the message is from."""
    from app.trust.dkim.content import split_message
    from app.trust.dmarc.authors import read_authors

    found = read_authors(split_message(message)[0])
    if found.address is None or found.fault:
        raise Refusal(f"nobody can sign it: {found.fault or 'From does not name exactly one address'}")
    return found.address


def _selectors(invocation: Invocation, author: Address) -> tuple[Selector, ...]:
    """What the configuration signs mail of the author with."""
    from app.config.loading import load
    from app.config.signing import signing_selectors
    from app.errors import ConfigError

    loaded = load(invocation.config_path)
    if loaded.problems:
        raise ConfigError(loaded.problems)
    dynamic = loaded.dynamic.value
    if author.domain not in dynamic.domains:
        raise Refusal(f"{author.domain} is none of the domains in domains.conf")
    found = signing_selectors(dynamic, invocation.config_path.parent).get(author.domain, ())
    if not found:
        raise Refusal(f"{author.domain} signs with no key; see 'Sign' of its DKIM section in domains.conf")
    return found


COMMANDS = (
    Command(
        words="dkim gened25519",
        help="""Make an Ed25519 key for DKIM and print it.

Prints the private key as PEM; keep it in a file that only the server can read. 'dkim txt' prints what goes into DNS.

    umask 077
    mox dkim gened25519 >key.pem
""",
        run=_make_ed25519,
    ),
    Command(
        words="dkim genrsa",
        help="""Make an RSA key of 2048 bits for DKIM and print it.

Prints the private key as PEM; keep it in a file that only the server can read. 'dkim txt' prints what goes into DNS.

    umask 077
    mox dkim genrsa >key.pem
""",
        run=_make_rsa,
    ),
    Command(
        words="dkim txt",
        arguments="<key.pem",
        help="""Print the DNS record for a DKIM key.

Reads a private key as PEM from standard input. The record belongs at <selector>._domainkey.<domain>. A record that is
longer than 255 bytes is also printed in the strings that a zone file wants.

    mox dkim txt <key.pem
""",
        run=_txt,
    ),
    Command(
        words="dkim sign",
        arguments="file",
        help="""Print a message with DKIM signatures of its author's domain.

Takes a file, or - for standard input, and signs with the keys that the configuration signs mail of that domain with.
Bare newlines count as the line ends that mail has.

    mox dkim sign message.eml >signed.eml
""",
        run=_sign,
    ),
)
