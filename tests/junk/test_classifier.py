"""The arithmetic of the filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.junk.classifier import UNIT, Count, Samples, score, step
from app.junk.features import Features
from app.junk.verdict import verdict_on

COUNTS = st.builds(Count, st.integers(0, 5000), st.integers(0, 5000), st.integers(-50 * UNIT, 50 * UNIT))
MANY = Samples(wanted=1000, junk=1000)


def test_what_was_only_in_junk_is_junk_and_what_was_only_wanted_is_not() -> None:
    assert score(100, dict.fromkeys(range(60), Count(0, 40)), MANY).probability > 0.99
    assert score(100, dict.fromkeys(range(60), Count(40, 0)), MANY).probability < 0.01


def test_unknown_words_and_an_empty_message_decide_nothing() -> None:
    assert score(100, {}, MANY).probability == 0.5
    assert score(0, {}, MANY).probability == 0.5
    assert score(500, dict.fromkeys(range(20), Count(0, 40)), MANY).probability < 0.9


def test_a_filter_with_few_samples_must_be_surer_before_mail_is_refused() -> None:
    needed = [Samples(wanted=9000, junk=count).required(0.95) for count in (50, 100, 300, 1000, 9000)]
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > 0.99999
    assert needed[-1] == pytest.approx(0.95, abs=0.01)
    assert [Samples(wanted=300, junk=300).required(whole) for whole in (0.0, 1.0)] == [0.0, 1.0]
    assert Samples().required(0.95) == 0.95


def test_a_filter_with_few_samples_is_quiet() -> None:
    known = dict.fromkeys(range(40), Count(0, 5))
    assert score(100, known, Samples(wanted=5, junk=5)).probability < 0.9
    assert not Samples(wanted=1000, junk=20).is_enough
    assert MANY.is_enough


def test_a_class_with_more_messages_is_not_believed_more() -> None:
    known = dict.fromkeys(range(60), Count(100, 10))  # as often in each
    assert score(100, known, Samples(wanted=1000, junk=100)).probability == pytest.approx(0.5)


def test_training_goes_towards_the_truth_and_stops_when_it_is_known() -> None:
    assert step(100, {}, MANY, is_junk=True) > 0
    assert step(100, {}, MANY, is_junk=False) < 0
    assert step(100, dict.fromkeys(range(90), Count(0, 400)), MANY, is_junk=True) == 0
    assert step(0, {}, MANY, is_junk=True) == 0


@given(st.dictionaries(st.integers(0, 99), COUNTS), st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_any_counts_give_a_probability_and_a_bounded_step(
    known: dict[int, Count], wanted: int, junk: int, is_junk: bool
) -> None:
    samples = Samples(wanted=wanted, junk=junk)
    assert 0 <= score(100, known, samples).probability <= 1
    assert abs(step(100, known, samples, is_junk=is_junk)) <= 2 * UNIT


def test_the_words_that_decided_are_named_strongest_first_and_safe_to_show() -> None:
    features = Features.of([["win", "a\x1b[2J"]], {"t:font"})
    known = {number: Count(0, 10 * place + 1) for place, number in enumerate(features.numbers)}
    verdict = verdict_on(features, known, MANY)
    assert [word.share for word in verdict.words] == sorted((word.share for word in verdict.words), reverse=True)
    texts = {word.text for word in verdict.words}
    assert {'"win"', "HTML element font", '"a?[2J"', '"win a?[2J"'} == texts
    assert "(100%)" in verdict.explained()
