"""Junk settings, with what they do to the mailboxes that are there."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from app.config.dynamic import Account
from app.config.junksettings import AutomaticJunkFlags, JunkFilter, JunkParams
from app.config.regexp import Regexp
from app.operations.accountsettings import set_rejects
from app.store.account.mailboxes import create
from app.web.account.junk import words_needed
from tests.web.world import World

FLAGS = {"by_mailbox": "yes", "junk": "^spam", "neutral": "^inbox", "not_junk": ""}
FILTER = {
    "by_words": "yes",
    "threshold": "90",
    "onegrams": "yes",
    "top_words": "12",
    "max_power": "0.01",
    "ignore_words": "0,1",
    "rare_words": "2",
}
SCRIPT = "<script>alert(1)</script>"
_ROW = re.compile(r'<tr><th scope="row">([^<]*)</th><td><span class="badge [a-z]+">([^<]*)</span>')


def account(world: World) -> Account:
    return world.live.dynamic.accounts["jane"]


def verdicts(page: httpx.Response) -> dict[str, str]:
    """What the page says of each mailbox."""
    return dict(_ROW.findall(page.text))


def test_patterns_are_tried_on_the_mailboxes_before_they_are_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        for name, use in (("Bulk", "\\Junk"), ("Spam old", None), (SCRIPT, None)):
            world.jane.write_now(lambda tx, name=name, use=use: create(tx, name, use))
        jane = world.account()
        before = verdicts(jane.get("/account/junk"))
        assert (before["Bulk"], before["Spam old"]) == ("junk", "stays as it is")
        page = jane.post("/account/junk/try", FLAGS)
        found = verdicts(page)
        assert (found["Bulk"], found["Spam old"], found["Inbox"]) == ("junk", "junk", "neither")
        assert found["&lt;script&gt;alert(1)&lt;/script&gt;"] == "not junk"
        assert account(world).automatic_junk_flags is None
        assert jane.post("/account/junk/flags", FLAGS).status_code == 303
        assert account(world).automatic_junk_flags == AutomaticJunkFlags(
            enabled=True, junk_mailbox_regexp=Regexp("^spam"), neutral_mailbox_regexp=Regexp("^inbox")
        )
        assert verdicts(jane.get("/account/junk")) == found


def test_filter_is_saved_and_switched_off(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert jane.post("/account/junk/filter", FILTER).status_code == 303
        found = account(world).junk_filter
        assert found is not None
        assert (found.threshold, found.params.top_words, found.params.ignore_words) == (0.9, 12, 0.1)
        assert 'value="90"' in jane.get("/account/junk").text
        assert jane.post("/account/junk/filter", {**FILTER, "by_words": ""}).status_code == 303
        assert account(world).junk_filter is None


def test_rejects_are_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert world.account().post("/account/junk/rejects", {"rejects": "Rejects", "keep": "yes"}).status_code == 303
        assert (account(world).rejects_mailbox, account(world).keep_rejects) == ("Rejects", True)


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("flags", {"junk": "("}, "junk"),
        ("flags", {"neutral": "["}, "neutral"),
        ("flags", {"not_junk": "x" * 1001}, "not_junk"),
        ("try", {"junk": "("}, "junk"),
        ("filter", {"threshold": "101"}, "threshold"),
        ("filter", {"threshold": "much"}, "threshold"),
        ("filter", {"threshold": ""}, "threshold"),
        ("filter", {"onegrams": ""}, "onegrams"),
        ("filter", {"top_words": "0"}, "top_words"),
        ("filter", {"max_power": "0.6"}, "max_power"),
        ("filter", {"ignore_words": "nan"}, "ignore_words"),
        ("filter", {"rare_words": "-1"}, "rare_words"),
        ("rejects", {"rejects": "Inbox"}, "rejects"),
        ("rejects", {"rejects": "/"}, "rejects"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    tmp_path: Path, path: str, change: dict[str, str], field: str
) -> None:
    with World(tmp_path) as world:
        before = world.live.domains_path.read_bytes()
        fields = {**FLAGS, **FILTER, **change}
        page = world.account().post(f"/account/junk/{path}", fields)
        assert page.status_code == 422
        assert f'id="{field}-error"' in page.text
        assert f'value="{fields[field]}"' in page.text or field == "onegrams"
        assert world.live.domains_path.read_bytes() == before


def test_the_second_of_two_browsers_is_shown_what_changed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        set_rejects(world.live, "jane", "Theirs", keep=False)
        page = jane.post("/account/junk/rejects", {"rejects": "Mine", "was.rejects": "", "was.keep": ""})
        assert page.status_code == 409
        assert "“Theirs”" in page.text
        assert account(world).rejects_mailbox == "Theirs"


def test_an_unknown_group_of_settings_is_not_found(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert world.account().post("/account/junk/nonsense", {}).status_code == 404


@pytest.mark.parametrize(
    ("threshold", "max_power", "top_words", "needed"),
    [(0.95, 0.01, 10, 2), (0.5, 0.01, 10, 1), (0.95, 0.5, 10, 0), (0.95, 0.01, 1, 0), (1.0, 0.0, 1000, 0)],
)
def test_example_says_how_many_words_it_takes(threshold: float, max_power: float, top_words: int, needed: int) -> None:
    params = JunkParams(onegrams=True, max_power=max_power, top_words=top_words)
    assert words_needed(JunkFilter(threshold=threshold, params=params)) == needed  # 0.81 / (0.81 + 0.01) = 0.988


def test_page_is_shown_for_the_most_extreme_numbers(tmp_path: Path) -> None:
    extreme = {"threshold": "100", "max_power": "0", "ignore_words": "0.5", "top_words": "1000"}
    with World(tmp_path) as world:
        jane = world.account()
        assert jane.post("/account/junk/filter", {**FILTER, **extreme}).status_code == 303
        assert "are never enough" in jane.get("/account/junk").text
