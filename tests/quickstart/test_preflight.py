"""What the findings amount to, and how they look on a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.cli import preflight as command
from app.cli.main import main
from quickstart.checks import CHECKS, Result
from quickstart.machine import Binding
from quickstart.preflight import WIDTH, Answer, Verdict, closing, examine, explanations, row, verdict
from quickstart.probes.listening import Listening
from tests.support.dns import DnsServer
from tests.support.machines import (
    FOUR,
    GREETINGS_6,
    SIX,
    FakeMachine,
    Zone,
    healthy_zone,
    ips,
    make_context,
    reverse,
)

DOWN = {"RCODE": "SERVFAIL"}


def results(machine: FakeMachine | None = None, zone: Zone | None = None, **more: Any) -> Sequence[Result]:
    return asyncio.run(examine(make_context(machine, zone, **more)))


def judged(machine: FakeMachine | None = None, zone: Zone | None = None, **more: Any) -> Verdict:
    return verdict(results(machine, zone, **more))


def test_a_healthy_machine_will_do():
    found = judged()
    assert found.is_good
    assert found.to_mend == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (FakeMachine(addresses=ips("100.64.1.1")), "carrier-grade NAT"),
        (FakeMachine(bindings={25: Binding.TAKEN}), "Held by another program"),
        (FakeMachine(free=10), "Only 0.0 GB free"),
    ],
)
def test_what_keeps_mail_from_coming_in(machine, words):
    found = judged(machine).receive
    assert found.answer is Answer.NO
    assert words in found.text


def test_a_domain_that_is_not_there_receives_nothing():
    zone = {name: facts for name, facts in healthy_zone().items() if name != "example.org"}
    assert judged(zone=zone).receive.answer is Answer.NO


def test_missing_address_records_are_no_reason_against_a_machine():
    zone = {name: facts for name, facts in healthy_zone().items() if name != "mail.example.org"}
    assert judged(zone=zone).receive.answer is Answer.YES


@pytest.mark.parametrize(
    ("machine", "zone"), [(FakeMachine(addresses=ips("10.0.0.2")), None), (None, dict.fromkeys(healthy_zone(), DOWN))]
)
def test_what_cannot_be_seen_from_inside_is_unsure(machine, zone):
    assert judged(machine, zone).receive.answer is Answer.UNSURE


LISTED = {**healthy_zone(), f"9.9.9.5.{'zen.spamhaus.org'}": {"A": ["127.0.0.2"]}}
WITHOUT_IPV6 = {**healthy_zone(), "mail.example.org": {"A": [str(FOUR)]}}
NO_REVERSE = {name: facts for name, facts in healthy_zone().items() if name != reverse(FOUR)}


@pytest.mark.parametrize(
    ("machine", "zone", "more", "answer", "words"),
    [
        (FakeMachine(banners={}), None, {}, Answer.NO, "blocks outgoing port 25"),
        (FakeMachine(banners=GREETINGS_6), None, {}, Answer.UNSURE, "Only to servers with IPv6"),
        (FakeMachine(addresses=(SIX,)), None, {}, Answer.UNSURE, "Only to servers with IPv6"),
        (FakeMachine(addresses=(FOUR,), banners={}), None, {}, Answer.NO, "blocks outgoing port 25"),
        (FakeMachine(addresses=(FOUR,)), None, {}, Answer.YES, "Yes."),
        (None, None, {"question": {"skip_dial": True}}, Answer.UNSURE, "could not be found out"),
        (None, LISTED, {}, Answer.UNSURE, "On a block list"),
        (None, NO_REVERSE, {}, Answer.UNSURE, "no reverse name"),
    ],
)
def test_whether_mail_can_go_out(machine, zone, more, answer, words):
    found = judged(machine, zone, **more).send
    assert (found.answer, words in found.text) == (answer, True), found.text


def test_results_are_in_the_order_of_the_rows_and_shown_as_they_come():
    shown: list[Result] = []
    found = asyncio.run(examine(make_context(), shown.append))
    assert [one.check.key for one in found] == [check.key for check in CHECKS]
    assert len(shown) == len(found)


def test_the_worst_is_explained_first_and_what_is_well_not_at_all():
    held = {25: [Listening(address=ips("0.0.0.0")[0], program="master")]}
    texts = explanations(results(FakeMachine(listening=held, memory=10, is_synchronised=None, offset_s=None)))
    assert [text.partition(":")[0] for text in texts] == ["Port 25", "Memory", "Clock"]
    assert "How to mend it: If you do not need it, stop it for good" in texts[0]
    assert "systemctl disable --now postfix" in " ".join(texts[0].split())


def test_lines_fit_the_terminal_and_never_break_a_word():
    everything_down = dict.fromkeys(healthy_zone(), DOWN)
    found = results(FakeMachine(banners={}), everything_down)
    text = "\n".join([*map(row, found), *explanations(found), closing(found)])
    assert max(map(len, text.splitlines())) <= WIDTH


def test_the_verdict_names_what_to_mend_and_no_web_server():
    held = {443: [Listening(address=ips("0.0.0.0")[0], program="nginx")]}
    assert closing(results(FakeMachine(memory=10, listening=held))).endswith("Worth mending:                  Memory.")


def test_an_explanation_lists_what_was_seen():
    (text,) = explanations(results(FakeMachine(addresses=(FOUR,), banners={}), WITHOUT_IPV6))
    assert "\n  - gmail.com: no answer within 7 seconds\n" in text


def test_what_was_left_out_on_purpose_is_not_explained():
    assert explanations(results(question={"skip_dial": True})) == []


@pytest.fixture
def dns(monkeypatch):
    with DnsServer(dict(healthy_zone())) as server:
        monkeypatch.setenv("MOX_RESOLVER", f"{server.host}:{server.port}")
        yield server


def test_command_shows_rows_and_verdict_and_writes_nothing(dns, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(["preflight", "-skipdial", "-hostname", "mail.example.org", "you@example.org"])
    out = capsys.readouterr().out
    assert code == 1  # nobody dialled, so nobody knows
    assert "ok    DNS resolver         DNS works, and answers are verified (DNSSEC)." in out
    assert "ok    Domain               example.org is registered and has no mail yet." in out
    assert "Can this machine send mail?     That could not be found out. Left out" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("address", "code"), [("you@example.org", 0), ("you@example.com", 1)])
def test_command_says_by_its_exit_code_whether_the_machine_will_do(address, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "examine_machine", lambda options, show: results(address=str(options.address)))
    assert main(["preflight", address]) == code
    assert "Can this machine receive mail?  " in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["you"], ["-hostname", "box", "you@example.org"], ["a@b.example", "c@d.example"]]
)
def test_command_refuses_what_makes_no_sense(words, capsys):
    assert main(["preflight", *words]) in (1, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_quickstart_stops_before_writing_when_something_blocks(monkeypatch, tmp_path, capsys):
    from app.cli import quickstart as quickstart_command

    monkeypatch.chdir(tmp_path)
    blocked = FakeMachine(free=10)
    monkeypatch.setattr(quickstart_command, "examine_machine", lambda options, show: results(blocked))
    assert main(["quickstart", "you@example.org"]) == 1
    assert "Disk: Only 0.0 GB free." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
