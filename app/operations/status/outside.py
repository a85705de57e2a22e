"""What others say of this server and do to it: DNS, block lists, reports, and attempts to sign in.

DNS and block lists are not asked here: `lookout` does that every few hours, and its last look is told with its age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from app.operations.status.finding import Finding, Page, Sources, Subject, fine, is_public, look
from app.operations.status.words import age, plural
from app.store import receiveddmarc, receivedtls
from app.store.looks import Grade, Look

DAY_S: Final = 86400.0
WEEK_S: Final = 7 * DAY_S
MANY_FAILED: Final = 100  # sign-ins a day
MAX_ATTEMPTS: Final = 1000
MANY_UNPROVED: Final = 20  # messages in a week ...
UNPROVED_PART: Final = 0.2  # ... of all in the name of a domain
TLS_FAILED_PART: Final = 0.02

DNS_LOOKS: Final = "dns"
LISTING_LOOKS: Final = "listing"
VERSION_LOOKS: Final = "version"
_TITLES: Final = {
    DNS_LOOKS: (Subject.DNS, "DNS of {} is as it should be", "DNS of {} is not as it should be", "/domains/{}/dns"),
    LISTING_LOOKS: (Subject.BLOCK_LISTS, "Not on {}", "On the block list {}", "/blocklists"),
    VERSION_LOOKS: (Subject.SERVER, "{} is the newest version", "{} can be had", ""),
}
_NOT_YET: Final = {
    DNS_LOOKS: (Subject.DNS, "DNS has not been looked at yet"),
    LISTING_LOOKS: (Subject.BLOCK_LISTS, "Block lists have not been looked at yet"),
}


async def looks(sources: Sources) -> Sequence[Finding]:
    """What the last looks at DNS, at block lists and for a newer version found."""
    if not is_public(sources.live.static):
        return []
    known, now = await sources.server.looks.all(), sources.clock.now()
    found = [_looked(one, now) for one in known if one.subject in _TITLES]
    missing = _NOT_YET.keys() - {one.subject for one in known}
    return [*found, *(_not_yet(subject) for subject in sorted(missing))]


def _looked(one: Look, now: float) -> Finding:
    subject, good, bad, path = _TITLES[one.subject]
    title = {Grade.FINE: good, Grade.UNKNOWN: f"{one.thing} cannot be looked at"}.get(one.grade, bad)
    return Finding(
        subject=subject,
        grade=one.grade,
        title=title.format(one.thing),
        text=f"{one.text} Seen {age(now - one.time)} ago.",
        page=Page(path.format(one.thing), "More about it") if path else None,
    )


def _not_yet(name: str) -> Finding:
    subject, title = _NOT_YET[name]
    text = "The server looks by itself a few minutes after it was started."
    return Finding(subject=subject, grade=Grade.UNKNOWN, title=title, text=text)


async def reports(sources: Sources) -> Sequence[Finding]:
    """What the reports of the last week say."""
    since = sources.clock.now() - WEEK_S
    dmarc = await sources.server.reports.read(lambda db: receiveddmarc.summaries(db, since))
    tls = await sources.server.reports.read(lambda db: receivedtls.summaries(db, since))
    found = [*map(_dmarc, dmarc), *map(_tls, tls)]
    return found or [fine(Subject.REPORTS, "No reports", "None of the last week; they come a day after mail was sent.")]


def _dmarc(one: receiveddmarc.DmarcSummary) -> Finding:
    words = f"{one.failed:,} of {plural(one.messages, 'message')} in its name in the last week"
    page = Page("/reports/dmarc", "DMARC reports")
    if one.failed < max(MANY_UNPROVED, UNPROVED_PART * one.messages):
        text = f"{words} had nothing to vouch for them (DMARC)."
        return fine(Subject.REPORTS, f"Mail from {one.domain} is believed", text, page)
    text = f"{words} had nothing to vouch for them (DMARC): yours from elsewhere, or forged. See whose they are."
    return look(Subject.REPORTS, f"Mail from {one.domain} is not believed", text, page)


def _tls(one: receivedtls.TlsSummary) -> Finding:
    total = one.successful + one.failed
    words = f"{one.failed:,} of {plural(total, 'connection')} of others to it in the last week"
    page = Page("/reports/tls", "TLS reports")
    if one.failed <= TLS_FAILED_PART * total:
        return fine(Subject.REPORTS, f"Others reach {one.domain} encrypted", f"{words} were not encrypted.", page)
    text = f"{words} failed to be encrypted (TLS). Their reports say why."
    return look(Subject.REPORTS, f"Others cannot reach {one.domain} encrypted", text, page)


async def sign_ins(sources: Sources) -> Sequence[Finding]:
    """Rows are folded over days; those that went on today are counted, at most one for each minute of today."""
    since = sources.clock.now() - DAY_S
    rows = await sources.server.attempts.list(None, MAX_ATTEMPTS, only_failed=True)
    counts: Counter[str] = Counter()
    for row in rows:
        if row.last > since:
            counts[row.remote] += row.count if row.first > since else min(row.count, int((row.last - since) // 60) + 1)
    page = Page("/signins?failed=yes#attempts", "Show them")
    if counts.total() < MANY_FAILED:
        return [fine(Subject.SIGN_INS, "Few failed sign-ins", f"{counts.total():,} in the last day.", page)]
    worst = ", ".join(f"{remote} ({count:,})" for remote, count in counts.most_common(3))
    text = f"At least {counts.total():,} in the last day, most from {worst}. Guessing is slowed down by itself."
    return [look(Subject.SIGN_INS, "Many failed sign-ins", text, page)]
