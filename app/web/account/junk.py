"""What is junk: by the mailbox that mail is put in, by its words, and what happens to mail that was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from app.config.dynamic import Account
from app.config.junksettings import (
    NEW_ACCOUNT_FILTER,
    NEW_ACCOUNT_JUNK,
    NEW_ACCOUNT_NEUTRAL,
    AutomaticJunkFlags,
    JunkFilter,
    JunkParams,
)
from app.config.pending import DYNAMIC, is_pending
from app.errors import MailError
from app.junk.mailboxflags import KEEP, MARK_JUNK, MARK_NEITHER, MARK_NOT_JUNK, junk_flags
from app.operations import accountsettings
from app.operations.accountsettings import JunkMailboxes, read_junk_mailboxes
from app.store.account.records import Mailbox
from app.web import sections
from app.web.account.holder import config_of, mailboxes_of, save
from app.web.faults import explain
from app.web.forms import Form
from app.web.sections import Section, Shown
from app.web.visit import Visit, action, page

MAX_WORDS = 1000
_VERDICTS = {
    MARK_JUNK: ("bad", "junk"),
    MARK_NOT_JUNK: ("ok", "not junk"),
    MARK_NEITHER: ("unknown", "neither"),
    KEEP: ("unknown", "stays as it is"),
}
_PATTERNS = {"JunkMailboxRegexp": "junk", "NeutralMailboxRegexp": "neutral", "NotJunkMailboxRegexp": "not_junk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What becomes of the junk flags of mail that is put in a mailbox of the account."""

    mailbox: str
    state: str  # of a badge
    words: str
    is_for_junk: bool  # a mailbox for junk whatever the settings say


def examples(flags: AutomaticJunkFlags | None, mailboxes: Sequence[Mailbox]) -> list[Example]:
    """For every mailbox."""
    found = []
    for one in mailboxes:
        state, words = _VERDICTS[junk_flags(flags, one.name, one.special_use)]
        is_for_junk = one.special_use == "\\Junk"
        found.append(Example(mailbox=one.name, state=state, words=words, is_for_junk=is_for_junk))
    return found


def words_needed(settings: JunkFilter) -> int:
    """How many words that stand nine times out of ten in junk make a message junk; 0 when no number does."""
    each = min(0.9, 1 - settings.params.max_power)
    against = (1 - each) / each
    counts = range(1, min(settings.params.top_words, MAX_WORDS) + 1)
    return next((count for count in counts if 1 / (1 + against**count) > settings.threshold), 0)


def _text(number: float) -> str:
    return f"{number:g}"


def _flag(*, is_set: bool) -> str:
    return "yes" if is_set else ""


def _present_flags(account: Account) -> Mapping[str, str]:
    flags = account.automatic_junk_flags or AutomaticJunkFlags(enabled=False)
    patterns = (flags.junk_mailbox_regexp, flags.neutral_mailbox_regexp, flags.not_junk_mailbox_regexp)
    texts = (pattern.text if pattern else "" for pattern in patterns)
    return {"by_mailbox": _flag(is_set=flags.enabled), **dict(zip(_PATTERNS.values(), texts, strict=True))}


def _typed_flags(form: Form) -> JunkMailboxes:
    texts = {name: form.text(name, required=False) for name in _PATTERNS.values()}
    return JunkMailboxes(enabled=form.flag("by_mailbox"), **texts)


async def _save_flags(visit: Visit, form: Form) -> None:
    wanted = _typed_flags(form)
    if form.is_ok:
        live, name = visit.services.live, visit.session.account
        await save(visit, lambda: accountsettings.set_automatic_junk_flags(live, name, wanted))


def _present_filter(account: Account) -> Mapping[str, str]:
    """The usual numbers, where there is no filter."""
    present = account.junk_filter or NEW_ACCOUNT_FILTER
    params = present.params
    return {
        "by_words": _flag(is_set=account.junk_filter is not None),
        "threshold": _text(present.threshold * 100),
        "onegrams": _flag(is_set=params.onegrams),
        "twograms": _flag(is_set=params.twograms),
        "threegrams": _flag(is_set=params.threegrams),
        "top_words": str(params.top_words),
        "max_power": _text(params.max_power),
        "ignore_words": _text(params.ignore_words),
        "rare_words": str(params.rare_words),
    }


async def _save_filter(visit: Visit, form: Form) -> None:
    wanted = _typed_filter(form) if form.flag("by_words") else None
    if form.is_ok:
        live, name = visit.services.live, visit.session.account
        await save(visit, lambda: accountsettings.set_junk_filter(live, name, wanted))


def _typed_filter(form: Form) -> JunkFilter:
    if not any(map(form.flag, ("onegrams", "twograms", "threegrams"))):
        form.fail("onegrams", "Choose at least one of the three; otherwise there is nothing to count.")
    params = JunkParams(
        onegrams=form.flag("onegrams"),
        twograms=form.flag("twograms"),
        threegrams=form.flag("threegrams"),
        max_power=form.parsed("max_power", lambda text: _decimal(text, 0.5)) or 0.0,
        top_words=form.number("top_words", 1, MAX_WORDS),
        ignore_words=form.parsed("ignore_words", lambda text: _decimal(text, 0.5)) or 0.0,
        rare_words=form.number("rare_words", 0, MAX_WORDS),
    )
    percent = form.parsed("threshold", lambda text: _decimal(text.removesuffix("%").rstrip(), 100)) or 0.0
    return JunkFilter(threshold=round(percent / 100, 6), params=params)


def _decimal(text: str, high: float) -> float:
    """A number from 0 to `high` as people write it; raises ValueError."""
    text = text.replace(",", ".", 1)
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20) or float(text) > high:
        raise ValueError(f"please give a number from 0 to {high:g}")
    return float(text)


async def _save_rejects(visit: Visit, form: Form) -> None:
    mailbox, keep = form.text("rejects", required=False), form.flag("keep")
    if form.is_ok:
        live, name = visit.services.live, visit.session.account
        await save(visit, lambda: accountsettings.set_rejects(live, name, mailbox, keep=keep))


SECTIONS: tuple[Section[Account], ...] = (
    Section(
        name="flags",
        labels={"by_mailbox": "Marking by mailbox", "junk": "Junk", "neutral": "Neither", "not_junk": "Not junk"},
        present=_present_flags,
        save=_save_flags,
        settings=_PATTERNS,
    ),
    Section(
        name="filter",
        labels={
            "by_words": "Judging by words",
            "threshold": "Junk from",
            "onegrams": "Single words",
            "twograms": "Pairs of words",
            "threegrams": "Three words in a row",
            "top_words": "Words that decide",
            "max_power": "Most that a word may say",
            "ignore_words": "Words to ignore",
            "rare_words": "Rare words",
        },
        present=_present_filter,
        save=_save_filter,
        settings={
            "Threshold": "threshold",
            "MaxPower": "max_power",
            "TopWords": "top_words",
            "IgnoreWords": "ignore_words",
            "RareWords": "rare_words",
        },
    ),
    Section(
        name="rejects",
        labels={"rejects": "Mailbox", "keep": "Keep old ones"},
        present=lambda account: {"rejects": account.rejects_mailbox, "keep": _flag(is_set=account.keep_rejects)},
        save=_save_rejects,
        settings={"RejectsMailbox": "rejects"},
    ),
)


async def _show(visit: Visit) -> Response:
    config = config_of(visit)
    return await _page(visit, 200, sections.shown(SECTIONS, config), config.automatic_junk_flags)


async def _page(
    visit: Visit, status: int, shown: Mapping[str, Shown], flags: AutomaticJunkFlags | None, tried: bool = False
) -> Response:
    present = config_of(visit).junk_filter or NEW_ACCOUNT_FILTER
    mailboxes = await mailboxes_of(visit)
    settings = ("JunkFilter", "RejectsMailbox", "KeepRejects")
    return visit.render(
        "account/junk.html",
        status,
        sections=shown,
        examples=examples(flags, mailboxes),
        is_tried=tried,
        mailboxes=[one.name for one in mailboxes],
        usual={"junk": NEW_ACCOUNT_JUNK.text, "neutral": NEW_ACCOUNT_NEUTRAL.text},
        threshold=_text(present.threshold * 100),
        needed=words_needed(present),
        not_yet={name for name in settings if is_pending(("Accounts", "*", name), DYNAMIC)},
    )


async def _try_flags(visit: Visit) -> Response:
    """What the patterns as typed would do; nothing is saved."""
    form, config = await visit.form(), config_of(visit)
    flags = config.automatic_junk_flags
    try:
        wanted = _typed_flags(form)
        flags = read_junk_mailboxes(wanted) if form.is_ok else flags
    except MailError as error:
        explain(form, error, settings=_PATTERNS)
    shown = sections.shown(SECTIONS, config)
    part = shown["flags"]
    shown["flags"] = Shown(form=form, present=part.present, labels=part.labels)
    return await _page(visit, 200 if form.is_ok else 422, shown, flags, tried=form.is_ok)


async def _save(visit: Visit) -> Response:
    not_saved = await sections.save(visit, SECTIONS, lambda: config_of(visit))
    if not_saved:
        return await _page(visit, not_saved.status, not_saved.sections, config_of(visit).automatic_junk_flags)
    return visit.redirect("/junk", done="Saved.")


ROUTES = (page("/junk", _show), action("/junk/try", _try_flags), action("/junk/{section}", _save))
