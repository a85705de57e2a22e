"""Commands for aliases."""

from __future__ import annotations

from app.cli.command import Command, Flag, Invocation, UsageError, Value
from app.cli.configuring import perform, texts
from app.ctl.protocol import ControlError, Json

_MANY = 1000
_FLAGS = ("postpublic", "listmembers", "allowmsgfrom")


def _list(invocation: Invocation) -> int:
    [domain] = invocation.expect(1)
    for alias in texts(invocation, "aliaslist", {"domain": domain}):
        print(alias)
    return 0


def _print(invocation: Invocation) -> int:
    [alias] = invocation.expect(1)
    found = perform(invocation, "aliasprint", {"alias": alias})
    if not isinstance(found, dict) or not isinstance(members := found["members"], list):
        raise ControlError("the server's answer cannot be understood")
    print(found["address"])
    for name in _FLAGS:
        print(f"{name} {'true' if found[name] else 'false'}")
    for member in members:
        print(f"member {member}")
    return 0


def _with_members(invocation: Invocation, operation: str) -> str:
    alias, *members = invocation.expect(2, _MANY)
    given: list[Json] = [*members]
    perform(invocation, operation, {"alias": alias, "members": given})
    return alias


def _add(invocation: Invocation) -> int:
    print(f"{_with_members(invocation, 'aliasadd')} is an alias; anyone may write to it")
    return 0


def _update(invocation: Invocation) -> int:
    [alias] = invocation.expect(1)
    given: dict[str, Json] = {name: invocation.given(name) for name in _FLAGS if name in invocation.flags}
    if not given:
        raise UsageError("give at least one flag")
    perform(invocation, "aliasupdate", {"alias": alias, **given})
    print(f"{alias} is changed")
    return 0


def _remove(invocation: Invocation) -> int:
    [alias] = invocation.expect(1)
    perform(invocation, "aliasrm", {"alias": alias})
    print(f"{alias} is removed")
    return 0


def _add_members(invocation: Invocation) -> int:
    print(f"{_with_members(invocation, 'aliasaddaddr')} has more members")
    return 0


def _remove_members(invocation: Invocation) -> int:
    print(f"{_with_members(invocation, 'aliasrmaddr')} has fewer members")
    return 0


COMMANDS = (
    Command(
        words="config alias list",
        arguments="domain",
        help="""List the aliases of a domain.

    mox config alias list example.org
""",
        run=_list,
    ),
    Command(
        words="config alias print",
        arguments="alias",
        help="""Print an alias: what is allowed with it, and its members.

    mox config alias print team@example.org
""",
        run=_print,
    ),
    Command(
        words="config alias add",
        arguments="alias member...",
        help="""Add an alias, an address that stands for several.

Members are addresses of accounts here. Anyone may write to a new alias.

    mox config alias add team@example.org jane@example.org joe@example.org
""",
        run=_add,
    ),
    Command(
        words="config alias update",
        arguments="alias",
        flags=(
            Flag("postpublic", "whether anyone may write to it, not only members", Value.TRUTH, "true|false"),
            Flag("listmembers", "whether members may see who the members are", Value.TRUTH, "true|false"),
            Flag("allowmsgfrom", "whether members may send with its address as From", Value.TRUTH, "true|false"),
        ),
        help="""Change what is allowed with an alias.

What no flag is given for stays as it is.

    mox config alias update -postpublic false team@example.org
""",
        run=_update,
    ),
    Command(
        words="config alias rm",
        arguments="alias",
        help="""Remove an alias; its members keep their addresses.

    mox config alias rm team@example.org
""",
        run=_remove,
    ),
    Command(
        words="config alias addaddr",
        arguments="alias member...",
        help="""Give an alias more members.

    mox config alias addaddr team@example.org zoe@example.org
""",
        run=_add_members,
    ),
    Command(
        words="config alias rmaddr",
        arguments="alias member...",
        help="""Take members out of an alias; one must stay.

    mox config alias rmaddr team@example.org zoe@example.org
""",
        run=_remove_members,
    ),
)
