"""What is junk: by the mailbox that mail is put in, by its words, and what happens to mail that was refused or is of
somebody not heard of before."""

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
)
from app.errors import MailError, Refusal
from app.junk.classifier import MIN_SAMPLES
from app.junk.mailboxflags import KEEP, MARK_JUNK, MARK_NEITHER, MARK_NOT_JUNK, junk_flags
from app.operations import accountsettings
from app.operations.accountsettings import JunkMailboxes, read_junk_mailboxes
from app.store.account import junkfilter
from app.store.account.junkfilter import Learning
from app.store.account.records import Mailbox
from app.web import sections
from app.web.account.holder import config_of, mailboxes_of, save
from app.web.faults import explain
from app.web.forms import Form
from app.web.sections import Section, Shown
from app.web.visit import Visit, action, page

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What the filter knows, in numbers of messages."""

    wanted: int
    junk: int
    more_wanted: int  # needed before it judges
    more_junk: int
    due: int  # marked, and not learnt yet


def examples(flags: AutomaticJunkFlags | None, mailboxes: Sequence[Mailbox]) -> list[Example]:
    """For every mailbox."""
    found = []
    for one in mailboxes:
        state, words = _VERDICTS[junk_flags(flags, one.name, one.special_use)]
        is_for_junk = one.special_use == "\\Junk"
        found.append(Example(mailbox=one.name, state=state, words=words, is_for_junk=is_for_junk))
    return found


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
    """The usual number, where there is no filter."""
    threshold = (account.junk_filter or NEW_ACCOUNT_FILTER).threshold
    return {"by_words": _flag(is_set=account.junk_filter is not None), "threshold": _text(threshold * 100)}


async def _save_filter(visit: Visit, form: Form) -> None:
    wanted = _typed_threshold(form) if form.flag("by_words") else None
    if form.is_ok:
        live, name = visit.services.live, visit.session.account
        await save(visit, lambda: accountsettings.set_junk_threshold(live, name, wanted))


def _typed_threshold(form: Form) -> float:
    percent = form.parsed("threshold", lambda text: _decimal(text.removesuffix("%").rstrip(), 100)) or 0.0
    return round(percent / 100, 6)


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


def _present_strangers(account: Account) -> Mapping[str, str]:
    return {"introbox": account.introbox, "passes": _flag(is_set=account.subject_pass is not None)}


async def _save_strangers(visit: Visit, form: Form) -> None:
    introbox, passes = form.text("introbox", required=False), form.flag("passes")
    if form.is_ok:
        live, name = visit.services.live, visit.session.account
        await save(visit, lambda: accountsettings.set_strangers(live, name, introbox, gives_passes=passes))


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
        labels={"by_words": "Judging by words", "threshold": "Junk from"},
        present=_present_filter,
        save=_save_filter,
        settings={"Threshold": "threshold"},
    ),
    Section(
        name="rejects",
        labels={"rejects": "Mailbox", "keep": "Keep old ones"},
        present=lambda account: {"rejects": account.rejects_mailbox, "keep": _flag(is_set=account.keep_rejects)},
        save=_save_rejects,
        settings={"RejectsMailbox": "rejects"},
    ),
    Section(
        name="strangers",
        labels={"introbox": "Mailbox for new senders", "passes": "A way in for refused senders"},
        present=_present_strangers,
        save=_save_strangers,
        settings={"Introbox": "introbox"},
    ),
)


async def _show(visit: Visit) -> Response:
    config = config_of(visit)
    return await _page(visit, 200, sections.shown(SECTIONS, config), config.automatic_junk_flags)


async def _page(
    visit: Visit, status: int, shown: Mapping[str, Shown], flags: AutomaticJunkFlags | None, tried: bool = False
) -> Response:
    config, mailboxes = config_of(visit), await mailboxes_of(visit)
    account = await visit.services.accounts.open(visit.session.account)
    return visit.render(
        "account/junk.html",
        status,
        sections=shown,
        examples=examples(flags, mailboxes),
        is_tried=tried,
        mailboxes=[one.name for one in mailboxes],
        usual={"junk": NEW_ACCOUNT_JUNK.text, "neutral": NEW_ACCOUNT_NEUTRAL.text},
        has_filter=config.junk_filter is not None,
        learnt=_learnt(await junkfilter.learning(account)),
        has_other_params=config.junk_filter is not None and config.junk_filter.params != NEW_ACCOUNT_FILTER.params,
    )


def _learnt(learning: Learning) -> Learnt:
    samples = learning.samples
    return Learnt(
        wanted=samples.wanted,
        junk=samples.junk,
        more_wanted=max(0, MIN_SAMPLES - samples.wanted),
        more_junk=max(0, MIN_SAMPLES - samples.junk),
        due=learning.due,
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


async def _learn_again(visit: Visit) -> Response:
    if config_of(visit).junk_filter is None:
        raise Refusal("there is nothing to learn for: new mail is not judged by its words")
    await junkfilter.begin_again(await visit.services.accounts.open(visit.session.account))
    return visit.redirect(
        "/junk#filter", done="The filter has forgotten everything, and learns it again from the marks."
    )


ROUTES = (
    page("/junk", _show),
    action("/junk/try", _try_flags),
    action("/junk/learn", _learn_again),
    action("/junk/{section}", _save),
)
