"""The schedule of attempts."""

from __future__ import annotations

from app.routing.retry import backoff, is_last, is_time_to_tell, waits_left


def test_waits_double_from_seven_and_a_half_minutes():
    assert [backoff(n) / 60 for n in range(7)] == [7.5, 15, 30, 60, 120, 240, 480]


def test_jitter_is_five_seconds_at_first():
    assert (backoff(0, -1.0), backoff(0, 1.0)) == (445.0, 455.0)


def test_the_eighth_attempt_is_the_last_unless_said_otherwise():
    assert [is_last(n) for n in (7, 8, 9)] == [False, True, True]
    assert is_last(1, 1)


def test_delay_is_told_once_and_not_when_it_is_the_end():
    assert [n for n in range(1, 9) if is_time_to_tell(n)] == [5]
    assert not is_time_to_tell(5, 5)


def test_waits_left_are_those_that_will_be_kept():
    assert [wait / 3600 for wait in waits_left(5)] == [2, 4, 8]
    assert waits_left(8) == ()
    assert len(waits_left(1)) == 7
    assert waits_left(5, 6) == (7200.0,)
