"""Each check with each of its outcomes: one fact of a healthy world is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.trust.dnsbl import question
from app.wire.domain import Domain
from quickstart.checks import CHECKS, Finding, State, run_one
from quickstart.checks.ports import holders
from quickstart.machine import Binding
from quickstart.probes.listening import Listening
from quickstart.probes.registration import Registration
from tests.support.machines import (
    DAY_S,
    FOUR,
    GREETINGS,
    GREETINGS_6,
    NOW,
    SIX,
    FakeMachine,
    Zone,
    healthy_zone,
    ips,
    make_context,
    reverse,
)

NAT = FakeMachine(addresses=ips("192.168.1.5"))
DOWN: Zone = {"RCODE": "SERVFAIL"}  # type: ignore[dict-item]
PTR_4, PTR_6 = reverse(FOUR), reverse(SIX)


def zone(changes: Mapping[str, Any] | None = None) -> Zone:
    """The healthy zone with changes; None takes a name away."""
    changed = {**healthy_zone(), **(changes or {})}
    return {name: facts for name, facts in changed.items() if facts is not None}


def find(
    key: str, machine: FakeMachine | None = None, changes: Mapping[str, Any] | None = None, **more: Any
) -> Finding:
    return asyncio.run(run_one(make_context(machine, zone(changes), **more), key))


def expect(found: Finding, state: State, *words: str) -> None:
    """State, words anywhere in the finding, and whole sentences unless all is well."""
    text = " ".join(
        [found.summary, found.meaning, found.breaks, found.fix, *(w for ws in found.facts.values() for w in ws)]
    )
    assert found.state is state, text
    assert [word for word in words if word not in text] == [], text
    if state is not State.OK:
        assert found.meaning
        assert found.breaks
        assert found.fix


@pytest.mark.parametrize("key", [check.key for check in CHECKS])
def test_a_healthy_machine_has_nothing_to_mend(key):
    expect(find(key), State.OK)


@pytest.mark.parametrize(
    ("machine", "state", "words"),
    [
        (FakeMachine(addresses=ips("5.9.9.9")), State.OK, ["No IPv6, which is fine"]),
        (FakeMachine(addresses=(SIX,)), State.WARN, ["Only IPv6"]),
        (FakeMachine(addresses=ips("192.168.1.5")), State.WARN, ["Behind NAT", "5.9.9.9", "993"]),
        (FakeMachine(addresses=ips("192.168.1.5", "2a01:4f8::9")), State.WARN, ["Behind NAT"]),
        (FakeMachine(addresses=ips("172.17.0.2"), in_container=True), State.WARN, ["container", "--network host"]),
        (FakeMachine(addresses=ips("100.64.3.3")), State.BAD, ["carrier-grade NAT"]),
        (FakeMachine(addresses=()), State.BAD, ["no network address"]),
    ],
)
def test_addresses(machine, state, words):
    expect(find("addresses", machine), state, *words)


def test_addresses_behind_nat_need_no_dns():
    expect(find("addresses", NAT, {"mail.example.org": DOWN}), State.WARN, "Behind NAT")


@pytest.mark.parametrize(
    ("machine", "changes", "state", "words"),
    [
        (
            None,
            {"mail.example.org": None},
            State.WARN,
            ["no address", "mail.example.org. A 5.9.9.9", "AAAA 2a01:4f8::9"],
        ),
        (NAT, {"mail.example.org": None}, State.WARN, ["your outer address"]),
        (None, {"mail.example.org": DOWN}, State.UNKNOWN, ["SERVFAIL"]),
        (None, {"mail.example.org": {"A": ["127.0.1.1"]}}, State.BAD, ["itself", "/etc/hosts"]),
        (None, {"mail.example.org": {"A": ["1.2.3.4"]}}, State.BAD, ["1.2.3.4", "not this machine"]),
        (None, {"mail.example.org": {"A": ["5.9.9.9"], "AAAA": ["2a01::1"]}}, State.BAD, ["2a01::1"]),
        (None, {"mail.example.org": {"A": ["5.9.9.9"]}}, State.WARN, ["no AAAA record"]),
        (NAT, {}, State.OK, ["cannot be seen from here"]),
        (
            None,
            {"mail.example.org": {"CNAME": ["host.example.net"]}, "host.example.net": {"A": ["5.9.9.9"]}},
            State.WARN,
            ["alias (CNAME) of host.example.net"],
        ),
        (
            FakeMachine(hosts={"mail.example.org": ips("127.0.1.1")}),
            {},
            State.WARN,
            ["/etc/hosts says", "127.0.1.1"],
        ),
    ],
)
def test_hostname(machine, changes, state, words):
    expect(find("hostname", machine, changes), state, *words)


def test_a_hostname_of_one_label_is_not_full():
    expect(find("hostname", hostname="box"), State.BAD, "-hostname mail.example.org")


def on(*programs: str, address: str = "0.0.0.0", is_guess: bool = False) -> Sequence[Listening]:
    return [Listening(address=ips(address)[0], program=program, is_guess=is_guess) for program in programs]


@pytest.mark.parametrize(
    ("port", "found", "words"),
    [
        (25, on("master"), ["Held by Postfix", "systemctl disable --now postfix"]),
        (25, on("exim4"), ["Exim", "systemctl disable --now exim4"]),
        (25, on("master", is_guess=True), ["probably Postfix"]),
        (25, on(""), ["another program", "ss -ltnp 'sport = :25'"]),
        (465, on("docker-proxy"), ["a Docker container", "docker ps"]),
        (587, on("x\x1b[31m"), ["x?[31m"]),
        (993, on("dovecot", "imap-login"), ["Held by Dovecot (", "cannot read mail"]),
    ],
)
def test_held_port(port, found, words):
    finding = find(f"port-{port}", FakeMachine(listening={port: found}))
    expect(finding, State.BAD, *words)
    assert finding.blocks == (port == 25)


@pytest.mark.parametrize("port", [80, 443])
def test_web_port_that_is_held_is_for_the_next_step(port):
    finding = find(f"port-{port}", FakeMachine(listening={port: on("nginx")}))
    expect(finding, State.WARN, "nginx", "-existing-webserver")
    assert not finding.blocks
    assert finding.facts["Listening"] == ["nginx on 0.0.0.0"]


@pytest.mark.parametrize(("port", "binding"), [(25, Binding.TAKEN), (80, Binding.TAKEN)])
def test_port_whose_holder_cannot_be_seen_is_held_all_the_same(port, binding):
    expect(find(f"port-{port}", FakeMachine(bindings={port: binding})), [State.BAD, State.WARN][port == 80], "another")


def test_ports_without_root_are_free_as_far_as_can_be_seen():
    expect(find("port-25", FakeMachine(bindings={25: Binding.FORBIDDEN})), State.OK, "without root")


def test_a_held_port_does_not_block_who_may_not_try():
    finding = find("port-25", FakeMachine(listening={25: on("master")}, bindings={25: Binding.FORBIDDEN}))
    expect(finding, State.BAD, "Postfix")
    assert not finding.blocks


def test_addresses_that_the_machine_does_not_have_cannot_be_listened_on():
    machine = FakeMachine(bindings={25: Binding.NO_ADDRESS})
    expect(find("port-25", machine, question={"ips": ips("5.5.5.5")}), State.BAD, "does not have 5.5.5.5")


def test_a_program_on_loopback_is_not_in_the_way_of_public_addresses():
    machine = FakeMachine(listening={25: on("exim4", address="127.0.0.1")}, bindings={25: Binding.FREE})
    expect(find("port-25", machine, question={"ips": (FOUR, SIX)}), State.OK)
    assert asyncio.run(holders(machine, 25, (FOUR,))) == ()


def test_a_program_on_loopback_is_in_the_way_of_all_addresses_and_does_not_block():
    machine = FakeMachine(listening={25: on("exim4", address="127.0.0.1")})
    finding = find("port-25", machine)
    expect(finding, State.BAD, "exim4")
    assert not finding.blocks


class LateProgram(FakeMachine):
    """A program on loopback begins to listen between the look at who listens and the try to do so."""

    async def listeners(self, port):
        seen = await FakeMachine.listeners(self, port)
        self.listening = {port: on("exim4", address="127.0.0.1")}
        return seen


def test_a_program_that_comes_during_the_check_is_seen_for_what_it_is():
    finding = find("port-25", LateProgram())
    expect(finding, State.BAD, "exim4")
    assert not finding.blocks


CLOSED_4 = FakeMachine(banners=GREETINGS_6)
ONE_VOICE = FakeMachine(banners=dict.fromkeys([*GREETINGS, *GREETINGS_6], "smtp.hoster.example"))
REFUSED = FakeMachine(banners=dict.fromkeys(GREETINGS, "554 not from \x07 you"))
NO_MX = dict.fromkeys(("gmail.com", "outlook.com", "yahoo.com"))


@pytest.mark.parametrize(
    ("key", "machine", "changes", "state", "words"),
    [
        ("outbound-4", CLOSED_4, {}, State.BAD, ["closed", "relay (smarthost)", "gmail.com: no answer within 7"]),
        ("outbound-4", CLOSED_4, {PTR_4: {"PTR": ["a.clients.your-server.de"]}}, State.BAD, ["Hetzner", "Limits"]),
        ("outbound-4", CLOSED_4, {PTR_4: DOWN, PTR_6: DOWN}, State.BAD, ["Ask whoever rents you"]),
        ("outbound-6", FakeMachine(banners=GREETINGS), {}, State.WARN, ["closed on the way out over IPv6"]),
        ("outbound-4", FakeMachine(banners={"1.1.1.3": "mta.yahoo.com"}), {}, State.OK, ["yahoo.com answered"]),
        ("outbound-4", ONE_VOICE, {}, State.BAD, ["answers for everybody", "smtp.hoster.example"]),
        ("outbound-4", REFUSED, {}, State.WARN, ["gmail.com, outlook.com and yahoo.com refused", "554 not from ? you"]),
        ("outbound-4", None, dict.fromkeys(NO_MX, DOWN), State.UNKNOWN, ["SERVFAIL"]),
        ("outbound-4", None, NO_MX, State.UNKNOWN, ["no mail server with IPv4 in DNS"]),
        ("outbound-4", None, {"gmail.com": DOWN}, State.OK, ["outlook.com and yahoo.com"]),
        ("outbound-6", FakeMachine(addresses=(FOUR,)), {}, State.OK, ["No IPv6 here"]),
        ("outbound-4", FakeMachine(addresses=(SIX,)), {}, State.WARN, ["No way out over IPv4"]),
    ],
)
def test_outbound(key, machine, changes, state, words):
    expect(find(key, machine, changes), state, *words)


def test_outbound_dials_the_preferred_server_of_three_providers():
    machine = FakeMachine()
    find("outbound-4", machine)
    assert machine.dialled == [(ip, 25) for ip in GREETINGS]


@pytest.mark.parametrize("key", ["outbound-4", "outbound-6", "age", "clock"])
def test_nothing_is_dialled_when_that_is_to_be_skipped(key):
    machine = FakeMachine(registered=Registration(registered=NOW), offset_s=1e6)
    found = find(key, machine, question={"skip_dial": True})
    assert found.state is (State.OK if key == "clock" else State.UNKNOWN)
    assert machine.dialled == []


@pytest.mark.parametrize(
    ("machine", "changes", "state", "words"),
    [
        (None, {PTR_4: None}, State.BAD, ["5.9.9.9 has no reverse name", "5.9.9.9 to mail.example.org"]),
        (None, {PTR_4: None, PTR_6: None}, State.BAD, ["5.9.9.9 and 2a01:4f8::9 have no"]),
        (None, {PTR_4: {"PTR": ["a.example.net"]}}, State.BAD, ["a.example.net, does not lead back"]),
        (
            None,
            {
                PTR_4: {"PTR": ["static.9.clients.your-server.de"]},
                "static.9.clients.your-server.de": {"A": ["5.9.9.9"]},
            },
            State.WARN,
            ["not mail.example.org", "Hetzner", "Edit Reverse DNS"],
        ),
        (None, {PTR_4: {"PTR": ["p5.dip0.t-ipconnect.de"]}}, State.BAD, ["home line"]),
        (None, {PTR_4: {"PTR": ["mail.example.org", "b.example.org"]}}, State.WARN, ["2 reverse names"]),
        (None, {"mail.example.org": {"AAAA": ["2a01:4f8::9"]}}, State.BAD, ["The reverse name is right", "A 5.9.9.9"]),
        (None, {PTR_6: DOWN}, State.UNKNOWN, ["SERVFAIL"]),
        (None, {PTR_4: {"PTR": ["e\x1b[1mvil" + "x" * 300]}}, State.BAD, ["e?[1mvil"]),
        (NAT, {"mail.example.org": None}, State.UNKNOWN, ["private addresses only"]),
        (NAT, {PTR_4: None}, State.BAD, ["no reverse name"]),
    ],
)
def test_reverse(machine, changes, state, words):
    expect(find("reverse", machine, changes), state, *words)


@pytest.mark.parametrize(
    ("facts", "state", "words"),
    [
        ({"NS": ["a.gtld-servers.net"]}, State.WARN, ["DNSSEC", "apt install unbound"]),
        (DOWN, State.BAD, ["does not work", "SERVFAIL"]),
        (None, State.BAD, ["no servers"]),
    ],
)
def test_resolver(facts, state, words):
    finding = find("resolver", changes={"com": facts})
    expect(finding, state, *words)
    assert not finding.blocks


ZEN, SPAMCOP = Domain("zen.spamhaus.org"), Domain("bl.spamcop.net")
TEST_ZEN, TEST_SPAMCOP = "2.0.0.127.zen.spamhaus.org", "2.0.0.127.bl.spamcop.net"
REFUSAL = {"A": ["127.255.255.254"]}


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({question(FOUR, ZEN): {"A": ["127.0.0.2"]}}, State.BAD, ["5.9.9.9 at Spamhaus", "check.spamhaus.org"]),
        ({question(SIX, ZEN): {"A": ["127.0.0.2"]}}, State.BAD, ["2a01:4f8::9 at Spamhaus"]),
        ({question(FOUR, ZEN): {"A": ["127.0.0.10"]}}, State.WARN, ["should not send mail"]),
        ({question(FOUR, SPAMCOP): {"A": ["127.0.0.2"]}, PTR_4: DOWN}, State.BAD, ["SpamCop", "ask your provider"]),
        ({question(FOUR, ZEN): REFUSAL}, State.OK, []),
        ({question(FOUR, ZEN): {"A": ["93.184.216.34"]}}, State.OK, []),
        ({question(FOUR, ZEN): DOWN}, State.OK, ["SpamCop", "Spamhaus could not be asked"]),
        (
            {question(FOUR, ZEN): DOWN, question(SIX, ZEN): DOWN, question(FOUR, SPAMCOP): DOWN},
            State.UNKNOWN,
            ["SERVFAIL"],
        ),
        ({TEST_ZEN: REFUSAL}, State.OK, ["SpamCop", "Spamhaus could not be asked"]),
        (
            {TEST_ZEN: REFUSAL, TEST_SPAMCOP: None},
            State.UNKNOWN,
            ["Spamhaus: ", "SpamCop: ", "is no block list", "does not mean that you are listed", "unbound"],
        ),
        (
            {"1.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2"]}, TEST_SPAMCOP: DOWN},
            State.UNKNOWN,
            ["Spamhaus: 127.0.0.1 is listed", "SpamCop: ", "SERVFAIL"],
        ),
    ],
)
def test_blocklists(changes, state, words):
    expect(find("blocklists", changes=changes), state, *words)


def test_blocklists_of_a_machine_without_known_address():
    expect(find("blocklists", NAT, {"mail.example.org": None}), State.UNKNOWN, "No public address")
    expect(find("blocklists", NAT, {"mail.example.org": DOWN}), State.UNKNOWN, "SERVFAIL")


@pytest.mark.parametrize(
    ("address", "changes", "state", "words"),
    [
        ("you@example.org", {"example.org": {"NS": ["n"], "MX": ["10 mail.example.org"]}}, State.OK, ["comes to mail"]),
        (
            "you@example.org",
            {"example.org": {"NS": ["n"], "MX": ["1 aspmx.l.google.com", "5 alt1.aspmx.l.google.com"]}},
            State.WARN,
            ["is at Google today", "test.example.org"],
        ),
        ("you@example.org", {"example.org": {"NS": ["n"], "MX": ["1 e\x1bvil.example"]}}, State.WARN, ["at e?vil"]),
        ("you@example.org", {"example.org": {"NS": ["n"], "MX": ["0 ."]}}, State.WARN, ["takes no mail"]),
        ("you@example.org", {"example.org": None}, State.BAD, ["DNS does not know example.org"]),
        ("you@example.org", {"example.org": None, "com": None}, State.UNKNOWN, ["no names at all"]),
        ("you@example.org", {"example.org": DOWN}, State.UNKNOWN, ["SERVFAIL"]),
        ("you@test.example.org", {}, State.WARN, ["the zone above it is example.org"]),
        ("you@test.example.org", {"test.example.org": {"TXT": ["x"]}}, State.OK, ["no mail yet"]),
    ],
)
def test_domain(address, changes, state, words):
    expect(find("domain", changes=changes, address=address), state, *words)


@pytest.mark.parametrize(
    ("registered", "state", "words"),
    [
        (Registration(registered=NOW - 41 * DAY_S), State.WARN, ["Registered only since 11 August 2026"]),
        (Registration(registered=NOW - 43 * DAY_S), State.OK, ["Registered since 9 August 2026"]),
        (Registration(reason="the registry of .example does not tell"), State.UNKNOWN, ["The registry of .example"]),
    ],
)
def test_age(registered, state, words):
    expect(find("age", FakeMachine(registered=registered)), state, *words)


@pytest.mark.parametrize(
    ("offset_s", "is_synchronised", "state", "words"),
    [
        (-1.0, False, State.OK, ["Nothing seems to keep it so"]),
        (20.0, True, State.WARN, ["20 seconds slow", "timedatectl"]),
        (-7200.0, None, State.BAD, ["2 hours fast", "Certificates cannot be had"]),
        (None, True, State.OK, ["says the kernel"]),
        (None, False, State.WARN, ["Nothing seems to keep"]),
        (None, None, State.UNKNOWN, ["could not be found out"]),
    ],
)
def test_clock(offset_s, is_synchronised, state, words):
    expect(find("clock", FakeMachine(offset_s=offset_s, is_synchronised=is_synchronised)), state, *words)


@pytest.mark.parametrize(
    ("free", "state", "blocks"),
    [(10 * 10**9, State.OK, False), (9 * 10**9, State.WARN, False), (999_999_999, State.BAD, True)],
)
def test_disk(free, state, blocks):
    finding = find("disk", FakeMachine(free=free))
    expect(finding, state)
    assert finding.blocks == blocks


@pytest.mark.parametrize(("key", "field"), [("disk", "free"), ("memory", "memory")])
def test_room_that_cannot_be_found_out(key, field):
    expect(find(key, FakeMachine(**{field: None})), State.UNKNOWN)


def test_little_memory():
    expect(find("memory", FakeMachine(memory=500_000_000)), State.WARN, "Only 500 MB", "swap")


@pytest.mark.parametrize(("closed", "advice"), [("/usr/lib", "/usr/bin/python3 mox.pyz"), ("/srv", "mkdir /srv/mox")])
def test_what_only_root_can_reach_would_stop_the_server(closed: str, advice: str):
    expect(find("access", FakeMachine(closed=closed)), State.BAD, "Only root can", closed, advice)
    expect(find("access", FakeMachine(closed=closed, root=False)), State.OK)


def test_a_network_without_dns_leaves_every_check_with_an_answer():
    everything_down = dict.fromkeys([*healthy_zone(), "mail.example.org"], DOWN)
    for check in CHECKS:
        found = find(check.key, FakeMachine(banners={}, offset_s=None), everything_down)
        assert found.state in State
        assert not found.blocks
