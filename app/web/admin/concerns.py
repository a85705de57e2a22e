"""What is wrong with the server or soon will be, as far as it can be told without asking the network.

Each function looks at one thing and gives its concerns in plain words, each with the page where something can be done.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.config import pending
from app.config.loading import load
from app.config.static import Static
from app.log import Level
from app.operations.certificates import Certificate, certificates
from app.operations.dkimrotation import Phase, Progress
from app.operations.loglevels import levels
from app.web.admin.certificates import automatic
from app.web.templates import plural, show_age, show_bytes
from app.web.visit import Visit

DAY_S = 86400.0
EXPIRES_SOON_S = 14 * DAY_S
STUCK_ATTEMPTS = 3
MAX_STUCK = 5
MANY_FAILED = 100  # sign-ins a day
MAX_ATTEMPTS = 1000
LOW_BYTES = 2 << 30
LOW_PART = 0.1
OUT_BYTES = 256 << 20  # below this nothing works for long


@dataclass(frozen=True, slots=True)
class Link:
    """The page to do something about it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing to look at."""

    title: str
    text: str
    link: Link | None = None
    is_bad: bool = False  # something does not work; otherwise it soon may not
    quote: str = ""  # words of somebody else


CONFIGURATION = Link("/configuration", "Configuration")
MOX_CONF = Link("/configuration/mox.conf", "mox.conf")


async def concerns(visit: Visit) -> list[Concern]:
    """Everything, what is bad first."""
    found = [
        *await asyncio.to_thread(_configuration, visit),
        *await asyncio.to_thread(_certificates, visit),
        *await asyncio.to_thread(_disk, visit),
        *await _automatic(visit),
        *_log_levels(visit),
        *await _stuck(visit),
        *await _sign_ins(visit),
        *_domains(visit),
        *await _rotations(visit),
        *await asyncio.to_thread(_settings, visit),
    ]
    return sorted(found, key=lambda one: not one.is_bad)


def is_public(static: Static) -> bool:
    """Whether mail from elsewhere can come in at all: not with a server for tests on this machine."""
    return any(
        listener.smtp is not None and listener.smtp.enabled and not all(ip.is_loopback for ip in listener.ips)
        for listener in static.listeners.values()
    )


def _configuration(visit: Visit) -> Sequence[Concern]:
    live = visit.services.live
    found: list[Concern] = []
    loaded = load(live.path, files=False)
    if problems := loaded.problems:
        count = plural(len(problems), "problem")
        text = f"{count} in the files. The server goes on with what it read before, but would not start again."
        found.append(
            Concern(
                title="The configuration is wrong", text=text, quote=str(problems[0]), is_bad=True, link=CONFIGURATION
            )
        )
    if live.static_file.needs_restart:
        text = "It takes effect when the server is started again."
        found.append(Concern(title="mox.conf has changed since the start", text=text, link=CONFIGURATION))
    return found


def _settings(visit: Visit) -> Sequence[Concern]:
    loaded = load(visit.services.live.path, files=False)
    idle = pending.without_effect(loaded.static, loaded.dynamic)
    if not idle:
        return []
    names = list(dict.fromkeys(one.path.rpartition(".")[2] for one in idle))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    text = f"This version reads them, but does nothing with them yet: {', '.join(names[:5])}{more}."
    link = Link("/configuration#pending", "Which they are")
    return [Concern(title=plural(len(idle), "setting") + " without effect", text=text, link=link)]


def _certificates(visit: Visit) -> Sequence[Concern]:
    live = visit.services.live
    if not is_public(live.static):
        return []
    now, hostname = visit.services.clock.now(), live.static.hostname.ascii
    found = (_certificate(one, now, hostname) for one in certificates(live))
    return [one for one in found if one is not None]


def _certificate(one: Certificate, now: float, hostname: str) -> Concern | None:
    where = f"{one.path} (listener {one.listener})"
    if one.failure:
        return Concern(title="A certificate cannot be looked at", text=f"{where}: {one.failure}.", link=MOX_CONF)
    if one.expires <= now:
        text = f"{where} ran out {show_age(now - one.expires)} ago. Mail programs refuse to connect."
        return Concern(title="A certificate has expired", text=text, is_bad=True, link=MOX_CONF)
    if one.expires - now < EXPIRES_SOON_S:
        text = f"{where} runs out in {show_age(one.expires - now)}. Put a new one there; it is used by itself."
        return Concern(title="A certificate expires soon", text=text, link=MOX_CONF)
    if one.is_self_signed:
        text = f"{where}: mail programs warn about it until somebody accepts it. Use one of a known authority."
        return Concern(title="A certificate is self-made", text=text, link=MOX_CONF)
    if not one.is_for(hostname):
        text = f"{where} is not for {hostname}, the name of this server."
        return Concern(title="A certificate is for another name", text=text, link=MOX_CONF)
    return None


async def _automatic(visit: Visit) -> Sequence[Concern]:
    """Certificates that ought to come by themselves and do not."""
    link = Link("/certificates", "Certificates")
    titles = {"bad": "A certificate does not come", "warn": "A certificate is not renewed"}
    return [
        Concern(
            title=titles[row.kind],
            text=f"{row.state.wanted.name}: {row.state.failed.error}",
            link=link,
            is_bad=row.kind == "bad" and row.state.wanted.is_host,
        )
        for row in await automatic(visit)
        if row.state.failed is not None and row.kind in titles
    ]


def _disk(visit: Visit) -> Sequence[Concern]:
    try:
        usage = shutil.disk_usage(visit.services.live.data_dir)
    except OSError:
        return []
    if usage.free >= min(LOW_BYTES, LOW_PART * usage.total):
        return []
    free = f"{show_bytes(usage.free)} of {show_bytes(usage.total)} are free."
    text = f"{free} When it is full, mail is refused for the time being; none is lost."
    return [Concern(title="The disk is nearly full", text=text, is_bad=usage.free < OUT_BYTES)]


def _log_levels(visit: Visit) -> Sequence[Concern]:
    """A server for tests writes them because mox.conf says so."""
    if levels().most >= Level.TRACE or not is_public(visit.services.live.static):
        return []
    text = "Set the level back when you are done, and delete that part of the log."
    return [
        Concern(title="Passwords or messages are written to the log", text=text, link=Link("/loglevels", "Log levels"))
    ]


async def _stuck(visit: Visit) -> Sequence[Concern]:
    now = visit.services.clock.now()
    found: list[Concern] = []
    for one in await visit.services.queue.stuck(STUCK_ATTEMPTS, MAX_STUCK):
        age = show_age(now - one.oldest)
        text = f"{plural(one.count, 'recipient')} at {one.domain}, the first for {age}. The last attempt said:"
        quote = one.last.error if one.last and one.last.error else "nothing"
        found.append(
            Concern(
                title="Mail is stuck in the queue",
                text=text,
                quote=quote[:300],
                link=Link(f"/queue?to=@{one.domain}", "Show it in the queue"),
            )
        )
    return found


async def _sign_ins(visit: Visit) -> Sequence[Concern]:
    """Rows are folded over days; those that went on today are counted, at most one for each minute of today."""
    since = visit.services.clock.now() - DAY_S
    rows = await visit.services.server.attempts.list(None, MAX_ATTEMPTS, only_failed=True)
    counts: Counter[str] = Counter()
    for row in rows:
        if row.last > since:
            counts[row.remote] += row.count if row.first > since else min(row.count, int((row.last - since) // 60) + 1)
    if counts.total() < MANY_FAILED:
        return []
    worst = ", ".join(f"{remote} ({count:,})" for remote, count in counts.most_common(3))
    text = f"At least {counts.total():,} in the last day, most from {worst}. Guessing is slowed down by itself."
    return [Concern(title="Many failed sign-ins", text=text, link=Link("/signins?failed=yes#attempts", "Show them"))]


def _domains(visit: Visit) -> Sequence[Concern]:
    return [
        Concern(
            title=f"{domain} is switched off",
            text="Mail to it is turned away for now, and none goes out in its name.",
            link=Link(f"/domains/{domain.ascii}", "Show the domain"),
        )
        for domain, config in visit.services.live.dynamic.domains.items()
        if config.disabled
    ]


async def _rotations(visit: Visit) -> Sequence[Concern]:
    """DKIM keys that wait for somebody to change records in DNS."""
    return [
        Concern(title=title, text=text, link=Link(f"/domains/{one.rotation.domain}/dkim", "Its signing keys"))
        for one in await visit.services.rotations.all()
        for title, text in _rotation_words(one)
    ]


def _rotation_words(one: Progress) -> Sequence[tuple[str, str]]:
    domain = one.rotation.domain
    if one.phase is Phase.WAITING:
        return [(f"New keys of {domain} wait", "Their records are not seen in DNS yet; until then the old keys sign.")]
    if one.phase is Phase.REMOVABLE:
        return [
            (f"Records of old keys of {domain} can go", "Take them out of DNS: mail on its way needs them no more.")
        ]
    return []
