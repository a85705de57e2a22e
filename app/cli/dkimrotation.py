"""Commands that replace the DKIM keys of a domain, step by step."""

from __future__ import annotations

from collections.abc import Mapping

from app.cli.command import Command, Invocation
from app.cli.listing import one_line, when
from app.cli.running import ask_server
from app.ctl.protocol import ControlError, Json

_SEEN = {
    "right": "seen in DNS",
    "missing": "not in DNS yet",
    "other": "another key stands there in DNS",
    "unknown": "DNS does not answer",
}


def _ask(invocation: Invocation, operation: str) -> Json:
    """What the server answers about the domain that was named."""
    [domain] = invocation.expect(1)
    with ask_server(invocation) as client:
        return client.call(operation, {"domain": domain})


def _print(row: Json) -> None:
    """A replacement with what to do next."""
    if not isinstance(row, dict):
        raise ControlError("the server's answer cannot be understood")
    print(one_line(f"{row['domain']}: {_words(row)}"))
    if row["phase"] not in ("waiting", "seen"):
        return
    records = row["records"]
    publish = row["publish"]
    for record in publish if isinstance(publish, list) else []:
        if isinstance(record, dict) and isinstance(records, dict):
            name = str(record["name"])
            state = _SEEN.get(str(records.get(name.partition(".")[0])), "not looked for yet")
            print("", one_line(f"{name}. TXT  ({state})"), one_line(f"    {record['zone']}"), sep="\n")


def _words(row: Mapping[str, Json]) -> str:
    new, old = (" ".join(map(str, found)) if isinstance(found := row[key], list) else "" for key in ("new", "old"))
    if row["phase"] == "waiting":
        return f"{new} wait for their records in DNS; put these there:"
    if row["phase"] == "seen":
        by_itself = f" by themselves from {when(row['switches'])}" if row["switches"] else " when you say 'switch'"
        return f"the records of {new} are seen; they sign{by_itself}"
    if row["phase"] == "retiring":
        return f"{new} sign; leave the records of {old} in DNS until {when(row['removable'])}"
    return f"{new} sign; take the records of {old} out of DNS, then 'dkim rotation finish'"


def _rotate(invocation: Invocation) -> int:
    _print(_ask(invocation, "dkimrotate"))
    return 0


def _list(invocation: Invocation) -> int:
    invocation.expect(0)
    with ask_server(invocation) as client:
        rows = client.call("dkimrotations")
    if not isinstance(rows, list):
        raise ControlError("the server's answer cannot be understood")
    for row in rows:
        _print(row)
    if not rows:
        print("no keys are being replaced; 'dkim rotate DOMAIN' begins")
    return 0


def _check(invocation: Invocation) -> int:
    if row := _ask(invocation, "dkimrotationcheck"):
        _print(row)
    else:
        print("no keys of this domain are being replaced (any more)")
    return 0


def _switch(invocation: Invocation) -> int:
    if row := _ask(invocation, "dkimrotationswitch"):
        _print(row)
    else:
        print("the new keys sign")
    return 0


def _undo(invocation: Invocation) -> int:
    print(one_line(str(_ask(invocation, "dkimrotationundo"))))
    return 0


def _finish(invocation: Invocation) -> int:
    _ask(invocation, "dkimrotationfinish")
    print("the old keys are taken away; their files stay where they are")
    return 0


COMMANDS = (
    Command(
        words="dkim rotate",
        arguments="domain",
        help="""Make new DKIM keys for a domain, to replace those that sign now.

Prints the records to put into DNS. When the server sees them there, it waits an hour and lets the new keys sign; the
records of the old keys stay for ten days more, for mail on its way. Nothing is lost when you stop at any point.

    mox dkim rotate example.org
""",
        run=_rotate,
    ),
    Command(
        words="dkim rotation list",
        help="""List the domains whose DKIM keys are being replaced, with what to do next.

    mox dkim rotation list
""",
        run=_list,
    ),
    Command(
        words="dkim rotation check",
        arguments="domain",
        help="""Look in DNS now for the records of a domain's new or old keys, and go on as far as they allow.

The server looks by itself every ten minutes.

    mox dkim rotation check example.org
""",
        run=_check,
    ),
    Command(
        words="dkim rotation switch",
        arguments="domain",
        help="""Let the new keys of a domain sign now, in place of the old ones; refused until their records are seen.

    mox dkim rotation switch example.org
""",
        run=_switch,
    ),
    Command(
        words="dkim rotation undo",
        arguments="domain",
        help="""Go back a step: take the new keys away, or, when they sign already, let the old ones sign again.

    mox dkim rotation undo example.org
""",
        run=_undo,
    ),
    Command(
        words="dkim rotation finish",
        arguments="domain",
        help="""Take the old keys of a domain out of the configuration, when their records are out of DNS.

Refused for ten days after the new keys began to sign, as mail on its way needs the old records.

    mox dkim rotation finish example.org
""",
        run=_finish,
    ),
)
