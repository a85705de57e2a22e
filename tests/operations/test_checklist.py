"""Each fact has its item, and what is not done says why it matters."""

from __future__ import annotations

import dataclasses

import pytest

from app.operations.checklist import Facts, Standing, checklist, is_green

NAMES = [field.name for field in dataclasses.fields(Facts)]


def test_every_fact_makes_one_item() -> None:
    assert sorted(item.key for item in checklist(Facts())) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_one_thing_left_comes_first_and_says_why(name: str) -> None:
    facts = Facts(**{**dict.fromkeys(NAMES, True), name: False})
    items = checklist(facts)
    assert (items[0].key, items[0].standing) == (name, Standing.TO_DO)
    assert items[0].why
    assert not is_green(items)


def test_all_done_is_green_and_what_was_not_looked_at_is_not() -> None:
    assert is_green(checklist(Facts(**dict.fromkeys(NAMES, True))))
    assert not is_green(checklist(Facts(**{**dict.fromkeys(NAMES, True), "has_sent": None})))
