from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from app.wire.sasl import md5state


@given(st.binary(max_size=200))
def test_digest_from_the_initial_state_is_md5(data):
    assert md5state.finish(md5state._INITIAL, 0, data) == hashlib.md5(data).digest()


@given(st.binary(max_size=100), st.binary(max_size=200))
def test_stored_states_give_the_same_hmac_as_the_key(key, data):
    assert md5state.hmac_digest(*md5state.hmac_states(key), data) == hmac.digest(key, data, "md5")
