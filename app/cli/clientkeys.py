"""Commands for client keys, with which mail programs sign in by TLS instead of a password."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.configuring import perform
from app.cli.listing import print_rows, when
from app.ctl.protocol import ControlError, Json

_MAX_BYTES = 256 << 10


def _line(row: Mapping[str, Json]) -> str:
    preauth = " no-imap-preauth" if row["no_imap_preauth"] else ""
    return f"{row['fingerprint']} {row['address']} {row['kind']} since {when(row['created'])}{preauth} {row['name']}"


def _list(invocation: Invocation) -> int:
    names = invocation.expect(0, 1)
    found = perform(invocation, "tlspubkeylist", {"account": names[0]} if names else {})
    return print_rows(found, _line, when_empty="no keys; 'config tlspubkey add' registers one")


def _row(found: Json) -> Mapping[str, Json]:
    if not isinstance(found, dict):
        raise ControlError("the server's answer cannot be understood")
    return found


def _get(invocation: Invocation) -> int:
    [fingerprint] = invocation.expect(1)
    row = _row(perform(invocation, "tlspubkeyget", {"fingerprint": fingerprint}))
    print(_line(row))
    print(str(row["certificate"]), end="")
    return 0


def _add(invocation: Invocation) -> int:
    address, *rest = invocation.expect(1, 2)
    text = sys.stdin.buffer.read(_MAX_BYTES).decode("ascii", "replace")
    if not text.strip():
        raise UsageError("give the certificate on standard input")
    arguments: dict[str, Json] = {
        "address": address,
        "certificate": text,
        "name": rest[0] if rest else "",
        "no_imap_preauth": invocation.given("no-imap-preauth"),
    }
    row = _row(perform(invocation, "tlspubkeyadd", arguments))
    print(f"{row['address']} can sign in with the key {row['fingerprint']}")
    return 0


def _remove(invocation: Invocation) -> int:
    [fingerprint] = invocation.expect(1)
    row = _row(perform(invocation, "tlspubkeyrm", {"fingerprint": fingerprint}))
    print(f"the key {row['fingerprint']} of {row['address']} signs nobody in any more")
    return 0


def _generate(invocation: Invocation) -> int:
    from app.clock import SYSTEM, utc
    from app.operations.clientkeys import certificate_of, generate
    from app.store.clientkeys import read_certificate

    [stem] = invocation.expect(1)
    made = generate(Path(stem).name, SYSTEM)
    start = f"{stem}.{utc(SYSTEM.now()).strftime('%Y%m%d%H%M%S')}.ed25519privatekey.pkcs8"
    _write_secret(Path(f"{start}.pem"), made.private_key)
    _write_secret(Path(f"{start}-certificate.pem"), made.combined)
    certificate = Path(f"{start.removesuffix('.ed25519privatekey.pkcs8')}.certificate.pem")
    certificate.write_text(made.certificate)
    print(f"private key        {start}.pem")
    print(f"certificate        {certificate}")
    print(f"both in one file   {start}-certificate.pem")
    print(f"fingerprint        {read_certificate(certificate_of(made.certificate)).fingerprint}")
    print(f"register it with: mox config tlspubkey add ADDRESS < {shlex.quote(str(certificate))}")
    return 0


def _write_secret(path: Path, text: str) -> None:
    """A new file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


COMMANDS = (
    Command(
        words="config tlspubkey list",
        arguments="[account]",
        help="""List the keys of TLS client certificates that sign in without a password.

    mox config tlspubkey list jane
""",
        run=_list,
    ),
    Command(
        words="config tlspubkey get",
        arguments="fingerprint",
        help="""Print a registered key with its certificate.

    mox config tlspubkey get 9Nkq...
""",
        run=_get,
    ),
    Command(
        words="config tlspubkey add",
        arguments="address [name]",
        flags=(Flag("no-imap-preauth", "on IMAP, wait until the program asks to sign in", Value.NOTHING),),
        help="""Register the key of a certificate, which is read from standard input in PEM form.

Whoever has its private key signs in as the address over TLS. On IMAP ports with immediate TLS this happens before the
program says anything (PREAUTH), which confuses some; for those there is the flag. The fingerprint is the SHA-256 of the
key alone: issuer, names and dates of the certificate do not count.

    mox config tlspubkey add jane@example.org laptop < laptop.certificate.pem
""",
        run=_add,
    ),
    Command(
        words="config tlspubkey rm",
        arguments="fingerprint",
        help="""Remove a key; connections that it opened go on until they end.

    mox config tlspubkey rm 9Nkq...
""",
        run=_remove,
    ),
    Command(
        words="config tlspubkey gen",
        arguments="stem",
        help="""Make a new key and its certificate, as files for a mail program.

Writes stem.TIME.ed25519privatekey.pkcs8.pem, stem.TIME.certificate.pem and a file with both. Asks no server; register
the certificate afterwards.

    mox config tlspubkey gen laptop
""",
        run=_generate,
    ),
)
