"""DKIM keys and their records."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.trust.dkim.keys import BadKey, load_key, make_ed25519, make_rsa, record_strings


def test_rsa_record_holds_the_public_key_info():
    record = load_key(make_rsa(1024)).record()
    assert record.startswith("v=DKIM1;h=sha256;p=MI")


def test_ed25519_record_holds_32_bytes():
    record = load_key(make_ed25519()).record()
    assert record.startswith("v=DKIM1;h=sha256;k=ed25519;p=")
    assert len(base64.b64decode(record.rpartition("p=")[2])) == 32


def test_a_key_is_loaded_once():
    pem = make_ed25519()
    assert load_key(pem) is load_key(pem)


def test_other_keys_are_refused():
    private = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(BadKey, match="RSA or Ed25519"):
        load_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BadKey, match="PEM"):
        load_key(b"-----BEGIN PRIVATE KEY-----\nxyz\n-----END PRIVATE KEY-----\n")


def test_long_records_are_split():
    assert [len(piece) for piece in record_strings("x" * 600)] == [255, 255, 90]
