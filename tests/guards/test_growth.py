"""The measure that other tests trust."""

from __future__ import annotations

import gc

import pytest

from tests.support.growth import assert_linear


def test_linear_work_is_told_from_quadratic():
    assert_linear(lambda size: sum(range(size)), 20_000)
    with pytest.raises(AssertionError, match="8 times the input took"):
        assert_linear(lambda size: sum(sum(range(size)) for _ in range(size)), 50)


def test_the_garbage_collector_is_not_measured():
    at_work = []
    assert_linear(lambda size: [at_work.append(gc.isenabled()), *range(size)], 20_000)
    assert set(at_work) == {False}
    assert gc.isenabled()
