"""One link, one claim, whoever tries and however often."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from quickstart import claim
from quickstart.claim import Claims
from tests.support.clock import SetClock


def test_of_a_thousand_parallel_claims_one_wins(tmp_path: Path) -> None:
    token = Claims(tmp_path).new_link()
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: Claims(tmp_path).claim(token), range(1000)))
    sessions = [one for one in results if one]
    assert len(sessions) == 1
    assert Claims(tmp_path).is_session(sessions[0])


def test_five_wrong_tries_end_a_link_and_a_new_one_works(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    token = claims.new_link()
    for _ in range(claim.MAX_TRIES - 1):
        assert claims.claim("wrong") is None
    spare = claims.new_link()
    assert claims.claim(token) is None, "a new link takes the place of the one before"
    for _ in range(claim.MAX_TRIES - 1):
        assert claims.claim("wrong") is None
    assert claims.claim(spare) is None, "five were wrong by now"
    session = claims.claim(claims.new_link())
    assert session
    assert claims.is_session(session)


def test_a_link_lives_an_hour(tmp_path: Path) -> None:
    clock = SetClock()
    claims = Claims(tmp_path, clock)
    token = claims.new_link()
    clock.time += claim.LIFETIME_S
    assert claims.claim(token) is None
    clock.time -= 1
    assert claims.claim(token) is None, "an expired link that was tried does not come back"


def test_a_session_lives_an_hour_after_its_last_use_also_in_another_process(tmp_path: Path) -> None:
    clock = SetClock()
    session = Claims(tmp_path, clock).claim(Claims(tmp_path, clock).new_link())
    assert session
    for _ in range(3):
        clock.time += claim.LIFETIME_S - 1
        assert Claims(tmp_path, clock).is_session(session)
    clock.time += claim.LIFETIME_S
    assert not Claims(tmp_path, clock).is_session(session)


def test_the_claim_of_a_new_link_ends_the_sessions_before(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    first = claims.claim(claims.new_link())
    signed_in = claims.sign_in()
    assert first
    assert claims.is_session(first)
    assert claims.is_session(signed_in)
    claims.end_session(signed_in)
    assert not claims.is_session(signed_in)
    second = claims.claim(claims.new_link())
    assert second
    assert not claims.is_session(first)
    assert claims.is_session(second)


def test_neither_link_nor_session_is_on_disk_and_the_file_is_private(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    token = claims.new_link()
    assert token not in (tmp_path / claim.CLAIM_FILE).read_text()
    session = claims.claim(token)
    assert session
    text = (tmp_path / claim.CLAIM_FILE).read_text()
    assert session not in text
    assert claim.csrf_token(session) not in text
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_broken_file_lets_nobody_in_and_a_new_link_mends_it(tmp_path: Path) -> None:
    for text in ("", "[]", "nonsense", '{"sessions": 3}', '{"link": "", "made": 9e99}'):
        (tmp_path / claim.CLAIM_FILE).write_text(text)
        assert Claims(tmp_path).claim("") is None
        assert not Claims(tmp_path).is_session("")
    assert Claims(tmp_path).claim(Claims(tmp_path).new_link())
