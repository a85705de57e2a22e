"""Moving in from the Go server of the same name: what there is to do, in order, and what of it is done.

Its configuration is ours as it is. Its mail comes by its own export, as Maildirs, and our import; its databases are of
another kind and stay where they are. So passwords are given anew, and what waits in its queue should be gone before.
Nothing here changes anything: each step names the commands for it, and looks at the data for whether it is done.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.live import Live
from app.config.loading import load
from app.config.pending import without_effect
from app.store.account import credentials, mailboxes
from app.store.accounts import Accounts

EXPORT = "export"  # the folder of exported mail, in the directory of the old server


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do."""

    title: str
    why: str = ""
    commands: Sequence[str] = ()
    is_done: bool | None = None  # None: nobody can tell from here


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How things are called in the commands."""

    old: str  # the directory of the old server, with its program, config and data
    program: str = "mox.pyz"


@dataclass(frozen=True, slots=True)
class _Held:
    """What an account has here."""

    name: str
    messages: int
    has_password: bool


async def steps(live: Live, accounts: Accounts, words: Words) -> list[Step]:
    """All of them, in order."""
    held = [await _look(accounts, name) for name, config in live.dynamic.accounts.items() if not config.login_disabled]
    return [
        _quiet(words),
        _configuration(live),
        _certificates(live, words),
        _old_mail(words, held),
        *(_mail(one, words) for one in held),
        *(_password(one, words) for one in held),
        _start(live, words),
    ]


async def _look(accounts: Accounts, name: str) -> _Held:
    account = await accounts.open(name)
    rows = await account.read(mailboxes.all_mailboxes)
    has_password = await account.read(credentials.load) is not None
    return _Held(name, sum(one.total for one in rows), has_password)


def _quiet(words: Words) -> Step:
    old = _old(words)
    return Step(
        title="Stop the old server when its queue is empty",
        why="What waits there is sent by nobody else. Mail that comes meanwhile waits with its senders, for days.",
        commands=(f"cd {old} && ./mox queue list", "systemctl disable --now mox || ./mox stop"),
    )


def _configuration(live: Live) -> Step:
    loaded = load(live.path)
    unused = len(without_effect(loaded.static, loaded.dynamic))
    why = "mox.conf and domains.conf, with the keys that they name, are read as they are."
    if unused:
        why += f" {unused} settings have no effect here yet; 'config test' names them."
    return Step(title="Take over config/", why=why, is_done=True)


def _certificates(live: Live, words: Words) -> Step:
    kept = live.data_dir / "acme"
    return Step(
        title="Take over the certificates that come by themselves",
        why="Keys and certificates are kept in the same files, so that none has to be asked for again.",
        commands=(f"cp -a {_old(words)}/data/acme {shlex.quote(str(live.data_dir))}/",),
        is_done=True if not live.static.acme else kept.is_dir() and any(kept.iterdir()),
    )


def _old_mail(words: Words, held: Sequence[_Held]) -> Step:
    old = _old(words)
    commands = [
        f"{old}/mox export maildir {old}/{EXPORT}/{shlex.quote(one.name)} {old}/data/accounts/{shlex.quote(one.name)}"
        for one in held
    ]
    return Step(
        title="Have the old server write its mail into folders",
        why="Flags, keywords and dates go with it.",
        commands=commands,
        is_done=all((Path(words.old) / EXPORT / one.name).is_dir() for one in held) or None,
    )


def _mail(held: _Held, words: Words) -> Step:
    name = shlex.quote(held.name)
    return Step(
        title=f"Import the mail of {held.name}",
        why=f"{held.messages} messages are here." if held.messages else "",
        commands=(f"{words.program} import archive {name} {_old(words)}/{EXPORT}/{name}",),
        is_done=held.messages > 0,
    )


def _password(held: _Held, words: Words) -> Step:
    return Step(
        title=f"Give {held.name} a password",
        why="" if held.has_password else "The old one may be used again; nobody can read it from the old data.",
        commands=(f"{words.program} setaccountpassword {shlex.quote(held.name)}",),
        is_done=held.has_password,
    )


def _start(live: Live, words: Words) -> Step:
    domains = [f"{words.program} config dnscheck {domain.ascii}" for domain in live.dynamic.domains]
    return Step(
        title="Start this server, and look whether all is well",
        why="The DNS records stay as they are. What the junk filter has learnt is learnt again from the mail.",
        commands=(f"{words.program} serve", f"{words.program} status", *domains),
    )


def _old(words: Words) -> str:
    return shlex.quote(words.old.rstrip("/") or "/")
