"""Which step comes next, and which may be visited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quickstart.steps import Progress, Step, passed_after

ORDER = list(Step)


@given(st.sets(st.sampled_from(Step)), st.booleans())
def test_the_next_step_is_always_open_and_nothing_beyond_it(passed: set[Step], asks: bool) -> None:
    progress = Progress(passed=passed, asks_webserver=asks)
    assert progress.may_visit(progress.next)
    open_steps = [step for step in Step if progress.may_visit(step)]
    assert all(ORDER.index(step) <= ORDER.index(progress.next) for step in open_steps)


def test_the_web_server_is_asked_about_only_when_its_ports_are_taken() -> None:
    passed = {Step.ADDRESS, Step.PASSWORD, Step.MACHINE}
    assert Progress(passed=passed).next is Step.DNS
    assert Progress(passed=passed, asks_webserver=True).next is Step.WEBSERVER
    assert not Progress(passed=passed).may_visit(Step.WEBSERVER)


def test_nothing_before_the_installation_can_be_answered_again_after_it() -> None:
    passed = set(ORDER[: ORDER.index(Step.INSTALL) + 1])
    progress = Progress(passed=passed)
    assert progress.next is Step.PROOF
    assert [step for step in Step if progress.may_visit(step)] == [Step.INSTALL, Step.PROOF]


def test_another_address_makes_the_steps_new_that_depend_on_it() -> None:
    passed = frozenset({Step.ADDRESS, Step.PASSWORD, Step.MACHINE, Step.DNS})
    assert passed_after(passed, Step.ADDRESS, changed=True) == {Step.ADDRESS, Step.PASSWORD}
    assert passed_after(passed, Step.ADDRESS, changed=False) == passed


def test_each_step_leads_to_the_next_and_the_last_to_itself() -> None:
    progress = Progress()
    assert progress.after(Step.MACHINE) is Step.DNS
    assert progress.after(Step.DONE) is Step.DONE
