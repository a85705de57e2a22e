"""The settings that are read, checked and kept, but have no effect yet: the one list of them.

Remove a line here when its feature lands; `config test` and the annotated examples follow. `*` stands for one name of
your own or one element of a list. A listed section includes everything in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.config.dynamic import Dynamic
from app.config.junksettings import NEW_ACCOUNT_FILTER
from app.config.reading import Path, Reading, show
from app.errors import Problem
from app.wire.sconf import Document, Line

STATIC = """
Pedantic
Listeners.*.IPsNATed
Listeners.*.SMTP.NoRequireTLS
Listeners.*.Submissions.EnabledOnHTTPS
Listeners.*.IMAPS.EnabledOnHTTPS
Listeners.*.WebmailHTTP
Listeners.*.WebmailHTTPS
Listeners.*.WebAPIHTTP
Listeners.*.WebAPIHTTPS
Listeners.*.PprofHTTP
""".split()

DYNAMIC = """
Accounts.*.OutgoingWebhook
Accounts.*.IncomingWebhook
Accounts.*.FromIDLoginAddresses
Accounts.*.KeepRetiredWebhookPeriod
Accounts.*.FullName
Accounts.*.Destinations.*.FullName
Accounts.*.IMAPCapabilitiesDisabled
""".split()

NO_EFFECT = "has no effect yet; it is kept for a later version"
NOT_USED = "is kept but not used: the junk filter finds out by itself what each word says"


def is_pending(path: Path, patterns: Iterable[str]) -> bool:
    """Whether exactly this setting is listed; `path` has names of the file, or `*`, where the patterns have `*`."""
    return any(_matches(path, tuple(pattern.split("."))) for pattern in patterns)


def _matches(path: Path, pattern: Path) -> bool:
    pairs = zip(path, pattern, strict=False)
    return len(path) == len(pattern) and all(want in {"*", name} for name, want in pairs)


def without_effect(static: Reading[object], dynamic: Reading[object]) -> list[Problem]:
    """A note for each setting in the two files that has no effect yet, in their order; what is off needs none."""
    return [*_notes(static, STATIC), *_notes(dynamic, DYNAMIC), *_word_settings(dynamic)]


def _word_settings(dynamic: Reading[object]) -> list[Problem]:
    """A note for each account with other parameters of the filter than everybody gets: somebody thought about them."""
    if not isinstance(dynamic.value, Dynamic):
        return []
    usual, places = NEW_ACCOUNT_FILTER.params, dynamic.places
    paths = [
        ("Accounts", name, "JunkFilter", "Params")
        for name, account in dynamic.value.accounts.items()
        if account.junk_filter is not None and account.junk_filter.params != usual
    ]
    return [Problem(file=places.file, line=places.lines.get(path, 0), path=show(path), text=NOT_USED) for path in paths]


def _notes(reading: Reading[object], patterns: list[str]) -> list[Problem]:
    blocks = _blocks(reading.document)
    places = reading.places
    return [
        Problem(file=places.file, line=number, path=show(path), text=NO_EFFECT)
        for path, number in places.lines.items()
        if is_pending(path, patterns) and not _is_off(blocks.get(number))
    ]


def _blocks(document: Document) -> dict[int, Line]:
    found: dict[int, Line] = {}
    waiting = list(document.lines)
    while waiting:
        line = waiting.pop()
        found[line.number] = line
        waiting.extend(line.children)
    return found


def _is_off(line: Line | None) -> bool:
    """Whether a setting says `false`, or a service is there with `Enabled: false`."""
    if line is None:
        return False
    return line.text.endswith(": false") or any(child.text == "Enabled: false" for child in line.children)
