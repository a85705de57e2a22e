"""The configuration: whether the files are right and in effect, and what is switched off or half done in them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from app.config import pending
from app.config.loading import Loaded, load
from app.log import Level
from app.operations.dkimrotation import Phase, Progress
from app.operations.loglevels import levels
from app.operations.status.finding import Finding, Page, Sources, Subject, act, fine, is_public, look
from app.operations.status.words import plural

MAX_NAMES: Final = 5
CONFIGURATION: Final = Page("/configuration", "Configuration")


async def configuration(sources: Sources) -> Sequence[Finding]:
    """Everything about the two files."""
    loaded = await asyncio.to_thread(load, sources.live.path, files=False)
    found = [*_files(sources, loaded), *_domains(sources), *_log_levels(sources), *_idle(loaded)]
    for one in await sources.rotations.all():
        found += _rotation(one)
    return found


def _files(sources: Sources, loaded: Loaded) -> Sequence[Finding]:
    live, about = sources.live, Subject.CONFIGURATION
    found: list[Finding] = []
    if problems := loaded.problems:
        count = plural(len(problems), "problem")
        text = f"{count} in the files. The server goes on with what it read before, but would not start again."
        found.append(act(about, "The configuration is wrong", text, CONFIGURATION, str(problems[0])))
    if live.static_file.needs_restart:
        text = "It takes effect when the server is started again."
        found.append(look(about, "mox.conf has changed since the start", text, CONFIGURATION))
    if not found:
        domains, accounts = plural(len(live.dynamic.domains), "domain"), plural(len(live.dynamic.accounts), "account")
        text = f"{domains} and {accounts}; both files are right and in effect."
        found.append(fine(about, "The configuration is right", text, CONFIGURATION))
    return found


def _idle(loaded: Loaded) -> Sequence[Finding]:
    idle = pending.without_effect(loaded.static, loaded.dynamic)
    if not idle:
        return []
    names = list(dict.fromkeys(one.path.rpartition(".")[2] for one in idle))
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    text = f"This version reads them, but does nothing with them yet: {', '.join(names[:MAX_NAMES])}{more}."
    page = Page("/configuration#pending", "Which they are")
    return [look(Subject.CONFIGURATION, plural(len(idle), "setting") + " without effect", text, page)]


def _domains(sources: Sources) -> Sequence[Finding]:
    return [
        look(
            Subject.CONFIGURATION,
            f"{domain} is switched off",
            "Mail to it is turned away for now, and none goes out in its name.",
            Page(f"/domains/{domain.ascii}", "Show the domain"),
        )
        for domain, config in sources.live.dynamic.domains.items()
        if config.disabled
    ]


def _log_levels(sources: Sources) -> Sequence[Finding]:
    """A server for tests writes them because mox.conf says so."""
    if levels().most >= Level.TRACE or not is_public(sources.live.static):
        return []
    text = "Set the level back when you are done, and delete that part of the log."
    title = "Passwords or messages are written to the log"
    return [look(Subject.CONFIGURATION, title, text, Page("/loglevels", "Log levels"))]


def _rotation(one: Progress) -> Sequence[Finding]:
    """DKIM keys that wait for somebody to change records in DNS."""
    domain, about = one.rotation.domain, Subject.CONFIGURATION
    page = Page(f"/domains/{domain}/dkim", "Its signing keys")
    if one.phase is Phase.WAITING:
        text = "Their records are not seen in DNS yet; until then the old keys sign."
        return [look(about, f"New keys of {domain} wait", text, page)]
    if one.phase is Phase.REMOVABLE:
        text = "Take them out of DNS: mail on its way needs them no more."
        return [look(about, f"Records of old keys of {domain} can go", text, page)]
    return []
