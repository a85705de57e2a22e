from __future__ import annotations

import pytest

from app.store.account import credentials
from app.store.account.credentials import BadPassword, Parameters, load, set_password, verify_password
from app.wire.sasl.cram import cram_secret
from app.wire.sasl.scrammessage import scram_secret
from tests.support.accounts import temporary_account

WEAK = Parameters(time_cost=1, memory_kib=8, lanes=1, scram_sha256_iterations=2, scram_sha1_iterations=3)


def test_all_forms_belong_to_the_new_password_and_none_is_the_password(tmp_path):
    with temporary_account(tmp_path) as account:
        account.write_now(lambda tx: set_password(tx, "first password", WEAK))
        account.write_now(lambda tx: set_password(tx, "pässword", WEAK))
        found = account.read_now(load)
        stored = b"".join(row[0] for row in account.read_now(lambda db: db.execute("SELECT data FROM credential")))
    assert found is not None
    assert verify_password(found.argon2id, "pa\u0308ssword")
    assert not verify_password(found.argon2id, "first password")
    for name, count in (("sha256", 2), ("sha1", 3)):
        assert found.scram[name] == scram_secret(name, "pässword", found.scram[name].salt, count)
    assert found.cram_md5 == cram_secret("pässword")
    assert "pässword".encode() not in stored
    assert "$" not in repr(found)


def test_account_without_a_password_has_no_credentials(tmp_path):
    with temporary_account(tmp_path) as account:
        assert account.read_now(load) is None


@pytest.mark.parametrize("password", ["", "short", "1234567", "tab\tis not allowed", "x" * 1025])
def test_unusable_password_changes_nothing(tmp_path, password):
    with temporary_account(tmp_path) as account:
        account.write_now(lambda tx: set_password(tx, "good password", WEAK))
        before = account.read_now(load)
        with pytest.raises(BadPassword):
            account.write_now(lambda tx: set_password(tx, password, WEAK))
        assert account.read_now(load) == before


@pytest.mark.parametrize("typed", ["", "a\tb", "\ud800", "other password"])
def test_whatever_is_typed_is_only_wrong(typed):
    assert not verify_password(credentials.hash_password("good password", WEAK), typed)


def test_unmatched_hash_costs_what_a_real_one_costs():
    decoy, real = credentials.unmatched_hash(WEAK), credentials.hash_password("good password", WEAK)
    assert decoy.split("$")[:4] == real.split("$")[:4]
    assert [len(part) for part in decoy.split("$")] == [len(part) for part in real.split("$")]
    assert not verify_password(decoy, "good password")


def test_stored_hash_has_the_low_memory_parameters_of_rfc_9106():
    assert credentials.unmatched_hash().startswith("$argon2id$v=19$m=65536,t=3,p=4$")
