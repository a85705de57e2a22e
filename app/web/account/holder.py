"""The account whose holder is signed in: its settings, its mailboxes, and how they are changed.

What the configuration says about others is none of the holder's business: `save` tells of faults in the account's own
settings only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.config.dynamic import Account
from app.errors import ConfigError, Problem, Refusal
from app.store.account import mailboxes
from app.store.account.records import Mailbox
from app.web.visit import Visit


def config_of(visit: Visit) -> Account:
    """The settings of the account; raises Refusal when it was removed a moment ago."""
    config = visit.services.live.dynamic.accounts.get(visit.session.account)
    if config is None:
        raise Refusal("this account is not there any more")
    return config


async def mailboxes_of(visit: Visit) -> list[Mailbox]:
    """Every mailbox, the Inbox first."""
    account = await visit.services.accounts.open(visit.session.account)
    return await account.read(mailboxes.all_mailboxes)


async def save(visit: Visit, change: Callable[[], None]) -> None:
    """Run an operation, which waits for files and for other changes; raises what it raises, but see above."""
    try:
        await asyncio.to_thread(change)
    except ConfigError as error:
        own = [one for one in error.problems if _is_own(one, visit.session.account)]
        if own:
            raise ConfigError(own) from None
        text = "the configuration of this server has a fault, so nothing is saved now; please tell its administrator"
        raise Refusal(text, private=str(error)) from None


def _is_own(problem: Problem, account: str) -> bool:
    """Whether it is about what was to be saved: what operations find has no line, and the bare name of a setting."""
    return not problem.line and ("." not in problem.path or problem.path.startswith(f"Accounts.{account}."))
