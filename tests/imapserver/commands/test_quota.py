"""QUOTA: what an account holds and may hold, and what happens when it is full (RFC 9208)."""

from __future__ import annotations

import pytest

from app.wire.imap.respond.quota import quota_response
from tests.imapserver.world import World

MESSAGE = "m: " + "x" * 1021 + "\\r\\n\\r\\n"  # 1028 bytes


def test_account_with_a_limit_has_one_root_for_every_mailbox(world: World):
    world.quota_bytes = 3 * 1024
    world.run(
        f"""
        C| a APPEND Inbox {{1028+}}\\r\\n{MESSAGE}\\r\\n
        S: /a OK .*/
        C: b GETQUOTAROOT inbox
        S: * QUOTAROOT Inbox ""
        S: * QUOTA "" (STORAGE 2 3)
        S: b OK done
        C: c GETQUOTAROOT "not there yet"
        S: * QUOTAROOT "not there yet" ""
        S: * QUOTA "" (STORAGE 2 3)
        S: c OK done
        C: d GETQUOTA ""
        S: * QUOTA "" (STORAGE 2 3)
        S: d OK done
        C: e GETQUOTA other
        S: /e NO \\[NONEXISTENT\\] .*/
        """,
        signed_in=True,
    )


def test_account_without_limit_has_no_root(world: World):
    world.run(
        """
        C: a GETQUOTAROOT Inbox
        S: * QUOTAROOT Inbox
        S: a OK done
        C: b GETQUOTA ""
        S: /b NO \\[NONEXISTENT\\] .*/
        """,
        signed_in=True,
    )


def test_full_account_says_so_to_append_and_copy(world: World):
    world.quota_bytes = 2 * 1024
    world.run(
        f"""
        C| a APPEND Inbox {{1028+}}\\r\\n{MESSAGE}\\r\\n
        S: /a OK .*/
        C| b APPEND Inbox {{1028+}}\\r\\n{MESSAGE}\\r\\n
        S: /b NO \\[OVERQUOTA\\] .*/
        C: c EXAMINE Inbox
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /\\* .*/
        S: /c OK .*/
        C: d COPY 1 Archive
        S: /d NO \\[OVERQUOTA\\] .*/
        """,
        signed_in=True,
    )


@pytest.mark.parametrize(("used", "units"), [(0, 0), (1, 1), (1024, 1), (1025, 2)])
def test_use_is_rounded_up_to_units_of_1024_bytes(used: int, units: int):
    assert quota_response(used, 10 * 1024) == b'* QUOTA "" (STORAGE %d 10)\r\n' % units
