from __future__ import annotations

import asyncio
import ipaddress
import threading

import pytest

from app.log import SETTINGS
from app.store.account.credentials import Parameters, set_password, verify_password
from app.store.accounts import Accounts
from app.store.signin import Challenge, Failed, FailureKind, SignedIn, SignIn, SignInContext
from app.store.verification import Verifier
from app.wire.sasl import clients
from app.wire.sasl.clients import Login
from app.wire.sasl.servers import Mechanism
from tests.support.clock import StoppedClock
from tests.support.configuration import small_live
from tests.support.measuring import moves

WEAK = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=2)
PASSWORD = "correct horse"


class World:
    """A SignIn with accounts jane and locked, both with PASSWORD, and what it counted."""

    def __init__(self, directory) -> None:
        self.clock = StoppedClock(1_000_000.0)
        self.accounts = Accounts(directory / "data")
        for name in ("jane", "locked"):
            self.accounts.open_now(name).write_now(lambda tx: set_password(tx, PASSWORD, WEAK))
        self.attempts = []
        self.hashed = 0
        self.signin = SignIn(small_live(directory), self.accounts, self.clock, WEAK, self.attempts.append)
        self.signin.verifier = Verifier(self.clock, self.verify)
        self.lock = threading.Lock()

    def verify(self, encoded: str, password: str) -> bool:
        with self.lock:
            self.hashed += 1
        return verify_password(encoded, password)

    def context(self, remote="192.0.2.1", tls=None, needs_tls=False) -> SignInContext:
        return SignInContext(
            protocol="imap", remote=ipaddress.ip_address(remote), tls=tls, passwords_need_tls=needs_tls
        )

    async def enter(self, user="jane@example.com", password=PASSWORD, mechanism="PLAIN", **context):
        exchange = self.signin.begin(mechanism, self.context(**context))
        client = clients.begin(Mechanism(mechanism), Login(user, password), None, [])
        result = await exchange.step(client.initial())
        while isinstance(result, Challenge):
            result = await exchange.step(client.answer(result.data))
        return result

    def run(self, *works):
        async def together():
            return await asyncio.gather(*works)

        return asyncio.run(together())


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.signin.close()
    world.accounts.close()


MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
JANE = SignedIn("jane", "jane@example.com")


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_lets_the_right_password_in_and_the_wrong_one_not(world, mechanism):
    right, wrong = world.run(world.enter(mechanism=mechanism), world.enter(password="wrong one", mechanism=mechanism))
    assert right == JANE
    assert wrong.kind is FailureKind.BAD_CREDENTIALS
    assert sorted(attempt.result for attempt in world.attempts) == ["badcreds", "ok"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_unknown_user_gets_the_same_answers_and_costs_the_same_work(world, mechanism):
    async def conversation(user):
        exchange = world.signin.begin(mechanism, world.context())
        client = clients.begin(Mechanism(mechanism), Login(user, "some password"), None, [])
        shapes, result = [], await exchange.step(client.initial())
        while isinstance(result, Challenge):
            shapes.append(len(result.data))
            result = await exchange.step(client.answer(result.data))
        return shapes, result

    known, unknown = world.run(conversation("jane@example.com"), conversation("none@example.com"))
    assert known[1] == unknown[1]
    assert len(known[0]) == len(unknown[0])
    if mechanism.startswith("SCRAM"):
        assert known[0] == unknown[0]
    assert world.hashed in (0, 2)


def test_unknown_users_salt_does_not_change(world):
    secrets = [world.signin.decoy_secret(Mechanism.SCRAM_SHA_256, "none@example.com") for _ in range(2)]
    assert secrets[0].salt == secrets[1].salt
    assert secrets[0].salt != world.signin.decoy_secret(Mechanism.SCRAM_SHA_256, "no@example.com").salt


@pytest.mark.parametrize("user", ["JANE@example.com", "jane+list@EXAMPLE.com", "e\u0301@example.com"])
def test_any_address_of_the_account_signs_in(world, user):
    [result] = world.run(world.enter(user))
    assert result.account_name == "jane"


@pytest.mark.parametrize("user", ["jane", "@example.com", "jane@other.example", "postmaster@example.com", "x" * 400])
def test_what_is_no_address_of_an_account_is_bad_credentials(world, user):
    assert world.run(world.enter(user))[0].kind is FailureKind.BAD_CREDENTIALS


def test_disabled_account_is_told_so_with_the_right_password_only(world):
    right, wrong = world.run(world.enter("locked@example.com"), world.enter("locked@example.com", "wrong one"))
    assert right == Failed(FailureKind.LOGIN_DISABLED, "account is closed")
    assert wrong.kind is FailureKind.BAD_CREDENTIALS


def test_guessing_is_limited_per_network_and_before_any_hashing(world):
    results = [world.run(world.enter(password=f"guess {number}"))[0].kind for number in range(12)]
    assert results == [FailureKind.BAD_CREDENTIALS] * 10 + [FailureKind.RATE_LIMITED] * 2
    assert world.hashed == 10
    with moves("mox_authentication_ratelimited_total", by=1):
        assert world.run(world.enter(mechanism="SCRAM-SHA-1"))[0].kind is FailureKind.RATE_LIMITED
    assert world.run(world.enter(remote="198.51.100.1")) == [JANE]
    world.clock.time += 60
    assert world.run(world.enter()) == [JANE]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_guesses_at_the_same_time_gain_nothing_over_guesses_one_by_one(world, mechanism):
    async def guess(number):
        exchange = world.signin.begin(mechanism, world.context())
        client = clients.begin(Mechanism(mechanism), Login("jane@example.com", f"guess {number}"), None, [])
        result = await exchange.step(client.initial())
        await barrier.wait()
        while isinstance(result, Challenge):
            result = await exchange.step(client.answer(result.data))
        return result.kind

    async def together():
        return await asyncio.gather(*(guess(number) for number in range(60)))

    barrier = asyncio.Barrier(60)
    kinds = asyncio.run(together())
    assert kinds.count(FailureKind.BAD_CREDENTIALS) == 10
    assert kinds.count(FailureKind.RATE_LIMITED) == 50
    again = world.run(*(world.enter(password=f"guess {number}") for number in range(60)), world.enter())
    told = [result.kind for result in again].count(FailureKind.BAD_CREDENTIALS)
    assert told == (10 if mechanism in ("PLAIN", "LOGIN") else 0), "what was not told is not remembered"


def test_same_wrong_password_again_is_not_counted_and_not_hashed(world):
    for _ in range(30):
        assert world.run(world.enter(password="old password"))[0].kind is FailureKind.BAD_CREDENTIALS
    assert world.hashed == 1
    assert world.run(world.enter()) == [JANE]


def test_connections_that_sign_in_together_cost_one_hash(world):
    assert world.run(*(world.enter() for _ in range(5))) == [JANE] * 5
    assert world.run(world.enter()) == [JANE]
    assert world.hashed == 1
    world.clock.time += 301
    assert world.run(world.enter()) == [JANE]
    assert world.hashed == 2


def test_remembered_success_is_lost_with_a_new_password(world):
    assert world.run(world.enter()) == [JANE]
    world.accounts.open_now("jane").write_now(lambda tx: set_password(tx, "another horse", WEAK))
    assert world.run(world.enter())[0].kind is FailureKind.BAD_CREDENTIALS
    assert world.run(world.enter(password="another horse")) == [JANE]


def test_in_the_clear_nothing_is_offered_where_tls_is_needed(world):
    context = world.context(needs_tls=True)
    assert world.signin.mechanisms(context) == ()
    [result] = world.run(world.enter(needs_tls=True, mechanism="SCRAM-SHA-256"))
    assert result.kind is FailureKind.NEEDS_TLS
    assert world.signin.mechanisms(world.context()) == (
        *("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"),
    )


@pytest.mark.parametrize("name", ["NTLM", "EXTERNAL", "SCRAM-SHA-256-PLUS"])
def test_mechanism_that_is_not_offered_is_unknown(world, name):
    [result] = world.run(world.signin.begin(name, world.context()).step(b"x"))
    assert result.kind is FailureKind.MECHANISM_UNKNOWN


def test_broken_message_and_giving_up_are_failures_that_do_not_count(world):
    for _ in range(11):
        assert world.run(world.signin.begin("plain", world.context()).step(b"x"))[0].kind is FailureKind.SYNTAX
        assert world.signin.begin("LOGIN", world.context()).abort().kind is FailureKind.ABORTED
    assert world.signin.allows(world.context().remote)


def test_nothing_secret_is_logged(world, monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(SETTINGS, "write", lines.append)
    world.run(world.enter(), world.enter("oops-" + PASSWORD, "wrong one"))
    assert len(lines) == 2
    assert not any("horse" in line or "wrong one" in line for line in lines)
