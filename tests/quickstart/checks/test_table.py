"""Running the checks: together, in time, and when one of them breaks."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.errors import Refusal
from app.log import SETTINGS
from app.net.dnsexchange import Server
from app.net.resolver import Resolver
from quickstart.checks import CHECKS, Check, Finding, State, run_all, run_one, table
from quickstart.checks.finding import MAX_TEXT, ok, printable
from tests.support.dns import DnsServer
from tests.support.machines import FOUR, SIX, make_context


def collect(limit_s: float = 10.0) -> dict[str, Finding]:
    async def run() -> dict[str, Finding]:
        return {check.key: finding async for check, finding in run_all(make_context(), limit_s)}

    return asyncio.run(run())


def test_every_check_gives_one_result():
    assert set(collect()) == {check.key for check in CHECKS}


def test_a_slow_check_is_unknown_in_time_and_does_not_hold_up_the_others(monkeypatch):
    async def never(context):
        await asyncio.sleep(30)
        return ok("it came to its end")

    async def quick(context):
        return ok("quick")

    monkeypatch.setattr(table, "CHECKS", (Check("never", "", never), Check("quick", "", quick)))
    found = collect(limit_s=0.05)
    assert list(found) == ["quick", "never"]
    assert found["never"].state is State.UNKNOWN
    assert "No result within" in found["never"].summary


def test_a_check_that_breaks_is_unknown_and_logged(monkeypatch):
    lines: list[str] = []

    async def breaks(context):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(table, "CHECKS", (Check("breaks", "", breaks),))
    monkeypatch.setattr(SETTINGS, "write", lines.append)
    assert "fault of this program" in collect()["breaks"].summary
    assert "check=breaks" in lines[0]


def test_leaving_early_cancels_what_still_runs(monkeypatch):
    cancelled: list[bool] = []

    async def waits(context):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    async def quick(context):
        return ok("quick")

    monkeypatch.setattr(table, "CHECKS", (Check("waits", "", waits), Check("quick", "", quick)))

    async def run():
        results = run_all(make_context())
        await anext(results)
        await results.aclose()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert cancelled == [True]


def test_a_check_that_is_asked_again_sees_what_was_mended():
    async def run(server):
        resolver = Resolver([Server(server.host, server.port)])
        context = replace(make_context(), resolver=resolver)
        before = await run_one(context, "hostname")
        server.zone["mail.example.org"] = {"A": [str(FOUR)], "AAAA": [str(SIX)]}
        after = await run_one(context, "hostname")
        resolver.close()
        return before.state, after.state

    with DnsServer({}) as server:
        assert asyncio.run(run(server)) == (State.WARN, State.OK)


def test_unknown_key_is_refused():
    with pytest.raises(Refusal, match="there is no check 'x'"):
        asyncio.run(run_one(make_context(), "x"))


def test_text_from_outside_is_one_bounded_line():
    assert printable("a\r\nb\x1b[31m\u202e") == "a??b?[31m?"
    assert len(printable("x" * 10_000)) == MAX_TEXT
