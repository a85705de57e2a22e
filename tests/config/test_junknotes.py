"""Parameters of the junk filter that somebody chose are kept, and `config test` says that they are not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.loading import load
from app.config.pending import NOT_USED, without_effect
from tests.support.configuration import DOMAINS_CONF, write_configuration

FILTER = """\t\tJunkFilter:
\t\t\tThreshold: 0.95
\t\t\tParams:
\t\t\t\tOnegrams: true
\t\t\t\tMaxPower: 0.01
\t\t\t\tTopWords: {top}
\t\t\t\tIgnoreWords: 0.1
\t\t\t\tRareWords: 2
"""


@pytest.mark.parametrize(("top", "notes"), [(10, []), (20, [f"Accounts.jane.JunkFilter.Params: {NOT_USED}"])])
def test_only_parameters_that_are_not_the_usual_ones_get_a_note(tmp_path: Path, top: int, notes: list[str]) -> None:
    account = "\t\t\té@example.com: nil\n"
    text = DOMAINS_CONF.replace(account, account + FILTER.format(top=top))
    loaded = load(write_configuration(tmp_path, domains_conf=text), files=False)
    found = without_effect(loaded.static, loaded.dynamic)
    assert [f"{note.path}: {note.text}" for note in found] == notes
    assert all(note.line > 0 for note in found)
