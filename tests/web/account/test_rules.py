"""The editor of an address's rules, as a browser without scripts uses it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from app.config.dynamic import Ruleset
from app.config.regexp import Regexp
from app.operations.destinations import AddressOf, set_rulesets
from app.web.account.ruleforms import fields_of, read_rule, read_rules, sentence, write_rules
from app.web.forms import Form
from app.wire.domain import Domain
from tests.support.accounts import add_now
from tests.web.world import Visitor, World

ADDRESS = "jane@example.com"
PAGE = "/account/addresses/rules"
SCRIPT = "<script>alert(1)</script>"
NEWS = {"author_how": "is", "author": "news@shop.example", "sender_how": "", "mailbox": "News", "how0": "contains"}
_HIDDEN = re.compile(r'<input type="hidden" name="(address|rules|seen|open)" value="([^"]*)"')


def carried(page: httpx.Response) -> dict[str, str]:
    """What the page sends back with every button."""
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}


class Editor:
    """The page, open in a browser."""

    def __init__(self, visitor: Visitor, address: str = ADDRESS) -> None:
        self.visitor = visitor
        self.page = visitor.get(f"{PAGE}?address={address}")
        assert self.page.status_code == 200

    def press(self, do: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
        """A button, with what is typed."""
        self.page = self.visitor.post(PAGE, {**carried(self.page), **(fields or {}), "do": do})
        return self.page


def rules(world: World) -> tuple[Ruleset, ...]:
    return world.live.dynamic.accounts["jane"].destinations[ADDRESS].rulesets


def subject_rule(text: str, mailbox: str) -> dict[str, str]:
    return {
        "author_how": "",
        "sender_how": "",
        "field0": "Subject",
        "how0": "contains",
        "text0": text,
        "mailbox": mailbox,
    }


def test_rules_are_added_moved_changed_and_removed_and_nothing_is_saved_before_saving(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        editor = Editor(world.account())
        editor.press("add")
        editor.press("ok", NEWS)
        editor.press("add")
        editor.press("ok", subject_rule("[Devel]", "Lists/Devel"))
        assert "Not saved yet" in editor.page.text
        editor.press("up.1")
        assert rules(world) == ()
        assert editor.press("save").status_code == 303
        first, second = rules(world)
        assert first == Ruleset(headers_regexp={Regexp("^subject$"): Regexp(r"\[devel\]")}, mailbox="Lists/Devel")
        assert second == Ruleset(msg_from_regexp=Regexp(r"(?i)^news@shop\.example$"), mailbox="News")
        editor = Editor(editor.visitor)
        assert 'value="[devel]"' in editor.press("edit.0").text
        editor.press("ok", subject_rule("[other]", "Lists/Other"))
        editor.press("remove.1")
        editor.press("save")
        assert [one.mailbox for one in rules(world)] == ["Lists/Other"]


def test_rules_are_tried_on_past_mail_before_they_are_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        for subject in ("Sale today", SCRIPT, "sale again"):
            header = f"From: shop@shop.example\r\nSubject: {subject}\r\n\r\nx\r\n"
            add_now(
                world.jane, header.encode(), prefix=b"Delivered-To: jane@example.com\r\nReturn-Path: <a@b.example>\r\n"
            )
        editor = Editor(world.account())
        editor.press("add")
        page = editor.press("try", subject_rule("sale", "Shopping")).text
        assert "On the last 3 messages" in page
        assert page.count("<strong>Shopping</strong>") == 2
        assert "1 message that no rule takes" in page
        assert SCRIPT not in page
        assert html.escape(SCRIPT) in page
        assert 'value="sale"' in page, "the rule stays open, to go on with it"
        assert rules(world) == ()


def test_enter_in_a_field_means_ok_which_is_the_first_button(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        editor = Editor(world.account())
        editor.press("add")
        form = editor.page.text.partition('action="/account/addresses/rules"')[2]
        assert re.findall(r'<button name="do" value="([^"]+)"', form)[0] == "ok"
        shown = editor.press("more", {**NEWS, "field0": "Subject", "text0": "x"})
        assert 'name="field1"' in shown.text
        assert 'value="news@shop.example"' in shown.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"author_how": "expression", "author": "("}, "author"),
        ({"author_how": "domain", "author": "no domain"}, "author"),
        ({"author_how": "", "author": ""}, "author"),
        ({"author_how": "", "author": "news"}, "author"),
        ({"author_how": "loudly"}, "author_how"),
        ({"author": "x" * 1001}, "author"),
        ({"mailbox": ""}, "mailbox"),
        ({"mailbox": "a//b"}, "mailbox"),
        ({"field0": "Subject"}, "text0"),
        ({"text0": "x"}, "field0"),
        ({"field0": "a:b", "text0": "x"}, "field0"),
        ({"field0": "To", "text0": "x", "field1": "to", "how1": "is", "text1": "y"}, "field1"),
        ({"forward": "yes"}, "forward"),
        ({"verified": "-"}, "verified"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    tmp_path: Path, change: dict[str, str], field: str
) -> None:
    with World(tmp_path) as world:
        editor = Editor(world.account())
        editor.press("add")
        for verb in ("ok", "save", "try"):
            page = editor.press(verb, {**NEWS, "comment": "typed before", **change})
            assert page.status_code == 422
            assert f'id="{field}-error"' in page.text
            assert 'value="typed before"' in page.text
        assert rules(world) == ()


def test_the_second_of_two_browsers_is_shown_the_rules_of_the_first(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        editor = Editor(world.account())
        editor.press("add")
        editor.press("ok", NEWS)
        set_rulesets(world.live, AddressOf("jane", ADDRESS), read_rules(write_rules([rule("theirs", "Theirs")])))
        page = editor.press("save")
        assert page.status_code == 409
        assert "<strong>Theirs</strong>" in page.text
        assert [one.mailbox for one in rules(world)] == ["Theirs"]
        assert editor.press("save").status_code == 303
        assert [one.mailbox for one in rules(world)] == ["News"]


def rule(text: str, mailbox: str) -> Ruleset:
    return Ruleset(msg_from_regexp=Regexp(text), mailbox=mailbox)


@pytest.mark.parametrize(
    ("name", "value"),
    [("rules", "Nonsense: 1"), ("rules", "\x00"), ("rules", "Rulesets:\n"), ("seen", ""), ("open", "5"), ("open", "x")],
)
def test_what_no_page_of_ours_sends_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with World(tmp_path) as world:
        editor = Editor(world.account())
        page = editor.visitor.post(PAGE, {**carried(editor.page), name: value, "do": "save"})
        assert page.status_code == 409
        assert rules(world) == ()


@pytest.mark.parametrize("do", ["", "up", "up.0", "up.9", "down.0", "edit.-1", "remove.x", "nonsense.1"])
def test_a_verb_that_cannot_be_changes_nothing(tmp_path: Path, do: str) -> None:
    with World(tmp_path) as world:
        set_rulesets(world.live, AddressOf("jane", ADDRESS), [rule("a", "A")])
        editor = Editor(world.account())
        before = carried(editor.page)
        assert editor.press(do).status_code == 200
        assert carried(editor.page) == before


@pytest.mark.parametrize("address", ["locked@example.com", "nobody@example.com", ""])
def test_rules_of_others_cannot_be_reached(tmp_path: Path, address: str) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert jane.get(f"{PAGE}?address={address}").status_code == 404
        fields = {**carried(Editor(jane).page), "address": address, "do": "save"}
        assert jane.post(PAGE, fields).status_code == 404
        assert jane.post(PAGE, {**fields, "address": ADDRESS}, csrf="x").status_code == 409


RULE = Ruleset(
    smtp_mail_from_regexp=Regexp("^bounce"),
    msg_from_regexp=Regexp("(?i)[@.]example\\.org$"),
    verified_domain=Domain("xn--bcher-kva.example"),
    headers_regexp={Regexp("^list-id$"): Regexp("devel"), Regexp("^x-.*"): Regexp(".*")},
    is_forward=True,
    accept_rejects_to_mailbox="Maybe",
    mailbox="Lists",
    comment='"quoted" & <b>bold</b>',
)


def test_no_setting_of_a_rule_is_lost_in_the_form_or_in_the_page() -> None:
    form = Form.showing(fields_of(RULE))
    assert (read_rule(form), form.errors) == (RULE, {})
    assert read_rules(write_rules([RULE, RULE]).replace("\n", "\r\n")) == (RULE, RULE)


def test_a_rule_reads_as_a_sentence() -> None:
    assert sentence(RULE).conditions == (
        "the author is at example.org, or below",
        "the envelope sender matches the expression “^bounce”",
        "List-Id contains “devel”",
        "a field named /^x-.*/ is there",
        "it is proven to come from bücher.example",
    )
    assert [len(sentence(RULE).additions), sentence(RULE).mailbox] == [2, "Lists"]
