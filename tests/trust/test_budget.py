"""One budget for all checks of a message."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from app.trust.budget import Budget, BudgetSpent
from app.trust.lookup import Answer, LookupFailed
from tests.support.machines import DictionaryResolver


def test_equal_questions_are_asked_once_and_different_ones_count() -> None:
    world = DictionaryResolver({"a.example": {"TXT": ["one"], "A": ["192.0.2.1"]}})
    budget = Budget(world)

    async def ask() -> list[Answer[bytes]]:
        together = await asyncio.gather(budget.txt("a.example"), budget.txt("A.example."))
        await budget.ipv4("a.example")
        return [*together, await budget.txt("a.example")]

    assert {answer.records for answer in asyncio.run(ask())} == {(b"one",)}
    assert world.asked == [("a.example", "TXT"), ("a.example", "A")]
    assert budget.lookups == 2


def test_a_failure_is_shared_too() -> None:
    world = DictionaryResolver({"slow.example": {"RCODE": "SERVFAIL"}})
    budget = Budget(world)

    async def ask() -> None:
        for _ in range(3):
            with pytest.raises(LookupFailed, match="SERVFAIL"):
                await budget.mx("slow.example")

    asyncio.run(ask())
    assert len(world.asked) == 1


def test_a_spent_budget_cannot_tell_but_repeats_what_it_knows() -> None:
    world = DictionaryResolver({"a.example": {"TXT": ["one"]}})
    budget = Budget(world, max_lookups=2)

    async def ask() -> None:
        await budget.txt("a.example")
        await budget.ptr(ipaddress.ip_address("192.0.2.1"))
        with pytest.raises(BudgetSpent):
            await budget.txt("b.example")
        assert (await budget.txt("a.example")).records

    asyncio.run(ask())
    assert len(world.asked) == 2


def test_long_answers_spend_it_as_well() -> None:
    world = DictionaryResolver({"a.example": {"TXT": ["x" * 600]}})
    budget = Budget(world, max_bytes=500)

    async def ask() -> None:
        await budget.txt("a.example")
        with pytest.raises(BudgetSpent):
            await budget.ipv4("a.example")

    asyncio.run(ask())
    assert budget.is_spent


def test_a_caller_that_gives_up_leaves_the_answer_to_the_others() -> None:
    class Slow(DictionaryResolver):
        async def txt(self, name: str) -> Answer[bytes]:
            await gate.wait()
            return await super().txt(name)

    gate = asyncio.Event()
    budget = Budget(Slow({"a.example": {"TXT": ["one"]}}))

    async def ask() -> Answer[bytes]:
        first, second = (asyncio.ensure_future(budget.txt("a.example")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        gate.set()
        return await second

    assert asyncio.run(ask()).records == (b"one",)


def test_waiting_for_dns_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.trust.budget.MAX_SECONDS", 0.01)

    class Silent(DictionaryResolver):
        async def txt(self, name: str) -> Answer[bytes]:
            await asyncio.Event().wait()
            raise AssertionError(name)

    async def ask() -> None:
        budget = Budget(Silent({}))
        for name in ("a.example", "b.example"):
            with pytest.raises(BudgetSpent, match="waited too long"):
                await budget.txt(name)

    asyncio.run(ask())
