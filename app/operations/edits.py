"""Edits of domains.conf that operations share: one account or domain replaced, what was seen compared, faults said.

Every verb is a function from the present value to the new one, so that two people who change different things at once
both get what they asked for. For what is replaced whole, such as a list of rules, the caller gives the `digest` of what
it has shown; `require_seen` raises Conflict when there is something else by then. An edit that changes nothing writes
nothing, and leaves no version in the history.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from app.config.dynamic import Account, ConfigDomain, Dynamic
from app.config.live import Live
from app.config.loading import DOMAINS_CONF
from app.errors import ConfigError, Conflict, Problem, Refusal
from app.operations.presentfields import present_fields
from app.wire.domain import Domain

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # controls, line ends, no characters at all


class _NothingToDo(Exception):
    """The edit gave what was there: leave Live.change before it writes."""


def change(live: Live, edit: Callable[[Dynamic], Dynamic], by: str, what: str) -> None:
    """Have domains.conf edited; raises what `edit` raises, ConfigError for a result that would be wrong, Temporary."""
    is_edited = False

    def changed(dynamic: Dynamic) -> Dynamic:
        nonlocal is_edited
        if (wanted := edit(dynamic)) == dynamic:
            raise _NothingToDo
        is_edited = True
        return wanted

    try:
        live.change(changed, by, what)
    except _NothingToDo:
        return
    except UnicodeEncodeError:  # half characters, which a shell passes on for what is not UTF-8
        raise Refusal("this has characters that are not UTF-8") from None
    except ConfigError as error:
        if not is_edited:  # the file was wrong before, and its lines are where to mend it
            raise
        # the lines would be those of a file that was not written
        raise ConfigError([dataclasses.replace(problem, line=0) for problem in error.problems]) from None


def change_account(live: Live, name: str, edit: Callable[[Account], Account], by: str, what: str = "") -> None:
    """Have one account edited."""
    change(live, lambda dynamic: with_account(dynamic, name, edit(need_account(dynamic, name))), by, what)


def change_domain(live: Live, domain: Domain, edit: Callable[[ConfigDomain], ConfigDomain], by: str, what: str) -> None:
    """Have one domain edited."""
    change(live, lambda dynamic: with_domain(dynamic, domain, edit(need_domain(dynamic, domain))), by, what)


def with_account(dynamic: Dynamic, name: str, account: Account) -> Dynamic:
    """The same with this account added or replaced."""
    return dataclasses.replace(dynamic, accounts={**dynamic.accounts, name: account})


def with_domain(dynamic: Dynamic, domain: Domain, config: ConfigDomain) -> Dynamic:
    """The same with this domain added or replaced."""
    return dataclasses.replace(dynamic, domains={**dynamic.domains, domain: config})


def need_account(dynamic: Dynamic, name: str) -> Account:
    """The account; raises Refusal."""
    if account := dynamic.accounts.get(name):
        return account
    raise Refusal(f"there is no account {name!r}")


def need_domain(dynamic: Dynamic, domain: Domain) -> ConfigDomain:
    """The domain; raises Refusal."""
    if config := dynamic.domains.get(domain):
        return config
    raise Refusal(f"there is no domain {domain}; add it first")


def wrong_setting(setting: str, text: str) -> ConfigError:
    """A value that cannot be, told as the checks of the whole file tell it."""
    return ConfigError([Problem(file=DOMAINS_CONF, line=0, path=setting, text=text)])


def plain_text(setting: str, text: str) -> str:
    """A line of text as typed, without blanks around it; raises ConfigError for what cannot be shown or sent."""
    if found := _UNFIT.search(text := text.strip()):
        raise wrong_setting(setting, f"this has a character that cannot be shown, at position {found.start() + 1}")
    return text


def digest(value: object) -> str:
    """The mark of a struct, or of a list of them, by which `require_seen` knows whether it is still the same."""
    return hashlib.sha256(repr(value).encode("utf-8", "replace")).hexdigest()[:32]  # secrets are not in it


def require_seen(present: object, seen: str, what: str) -> None:
    """Raise Conflict unless `present` has the digest `seen`; without one nothing is compared."""
    if seen and seen != (now := digest(present)):
        text = f"{what} changed meanwhile; look at them again and repeat your change"
        raise Conflict(text, present=_text(present), digest=now)


def _text(value: object) -> str:
    """Every setting on a line, for comparing and for showing."""
    values: Sequence[object] = value if isinstance(value, tuple) else (value,)
    return "\n\n".join(_lines(present_fields(one)) for one in values)


def _lines(fields: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {text!r}" if "\n" in text else f"{name}: {text}" for name, text in fields.items())
