"""Junk settings, with what they do to the mailboxes that are there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.config.dynamic import Account, SubjectPass
from app.config.junksettings import NEW_ACCOUNT_FILTER, AutomaticJunkFlags, JunkFilter, JunkParams
from app.config.regexp import Regexp
from app.config.schema import Seconds
from app.junk.classifier import MIN_SAMPLES
from app.operations.accountsettings import set_junk_filter, set_rejects, set_subject_pass
from app.store.account.check import check
from app.store.account.junktrainer import train_now
from app.store.account.mailboxes import create
from app.wire.imap.flags import JUNK
from tests.support.accounts import add_now
from tests.web.world import World

FLAGS = {"by_mailbox": "yes", "junk": "^spam", "neutral": "^inbox", "not_junk": ""}
FILTER = {"by_words": "yes", "threshold": "90,5"}
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
        assert found == replace(NEW_ACCOUNT_FILTER, threshold=0.905)
        assert 'value="90.5"' in jane.get("/account/junk").text
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
        ("filter", {"threshold": "nan"}, "threshold"),
        ("rejects", {"rejects": "Inbox"}, "rejects"),
        ("rejects", {"rejects": "/"}, "rejects"),
        ("strangers", {"introbox": "/"}, "introbox"),
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
        assert f'value="{fields[field]}"' in page.text
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


def test_numbers_that_another_server_uses_stay_when_the_threshold_changes(tmp_path: Path) -> None:
    params = JunkParams(onegrams=True, max_power=0.2, top_words=33)
    with World(tmp_path) as world:
        jane = world.account()
        set_junk_filter(world.live, "jane", JunkFilter(threshold=0.9, params=params))
        assert "are kept for the Go server" in jane.get("/account/junk").text
        assert jane.post("/account/junk/filter", {**FILTER, "threshold": "97"}).status_code == 303
        assert account(world).junk_filter == JunkFilter(threshold=0.97, params=params)


def test_what_happens_to_mail_of_strangers_is_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert jane.post("/account/junk/strangers", {"introbox": "New people", "passes": "yes"}).status_code == 303
        set_subject_pass(world.live, "jane", Seconds(7200.0))
        assert jane.post("/account/junk/strangers", {"introbox": "", "passes": "yes"}).status_code == 303
        found = account(world)
        assert (found.introbox, found.subject_pass) == ("", SubjectPass(period=Seconds(7200.0)))
        assert jane.post("/account/junk/strangers", {"introbox": ""}).status_code == 303
        assert account(world).subject_pass is None


def test_filter_says_what_it_has_learnt_and_learns_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert "nothing to learn for" in jane.post("/account/junk/learn", {}).text
        jane.post("/account/junk/filter", FILTER)
        for number in range(3):
            add_now(world.jane, b"Subject: buy %d\r\n\r\nbuy\r\n" % number, mailbox="Inbox", flags=JUNK)
        train_now(world.jane)
        page = jane.get("/account/junk").text
        assert "learnt from 3 junk messages and 0 other messages" in page
        assert f"needs {MIN_SAMPLES - 3} more that are junk and {MIN_SAMPLES} more that are not" in page
        world.jane.write_now(lambda tx: tx.db.execute("DELETE FROM junk_trained WHERE content_id = 1"))
        assert jane.post("/account/junk/learn", {}).status_code == 303
        train_now(world.jane)
        assert "learnt from 3 junk messages" in jane.get("/account/junk").text
        assert check(world.jane) == []
