"""Connection numbers for strangers: encrypted, so that they tell nothing but can be looked up in the log.

A number (cid, `app.ids`) says when the program was started and how busy it is. Pages about faults show it as one block
of AES-128 over 8 fixed random bytes and the number, in URL-safe base64: 22 characters, as the Go server has it, with
the key in `receivedid.key` of the data directory (16 bytes of key, then the 8 random bytes), which is made when it is
missing. The 8 bytes prove that an id is one of ours.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from app.errors import Refusal, StoreError

KEY_FILE = "receivedid.key"
KEY_BYTES = 16
PROOF_BYTES = 8
ID_CHARACTERS = 22


class ReceivedIds:
    """Makes and reads ids with the key of one data directory."""

    def __init__(self, key: bytes) -> None:
        """`key` is what the key file holds."""
        self._key = key[:KEY_BYTES]
        self._proof = key[KEY_BYTES:]

    @classmethod
    def open(cls, data_dir: Path) -> ReceivedIds:
        """With the key of the data directory, made if there is none; raises StoreError."""
        path = data_dir / KEY_FILE
        if not path.exists():
            try:
                _make(path)
            except OSError as error:
                raise StoreError(f"cannot write {path}: {error.strerror}") from None
        return cls.read(data_dir)

    @classmethod
    def read(cls, data_dir: Path) -> ReceivedIds:
        """With the key that is there; raises StoreError."""
        path = data_dir / KEY_FILE
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from None
        if len(data) != KEY_BYTES + PROOF_BYTES:
            raise StoreError(f"{path} is not a key of {KEY_BYTES + PROOF_BYTES} bytes; remove it for a new one")
        return cls(data)

    def seal(self, cid: int) -> str:
        """The id of a connection number."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        encryptor = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()
        block = encryptor.update(self._proof + cid.to_bytes(8, "big"))
        return base64.urlsafe_b64encode(block).rstrip(b"=").decode()

    def unseal(self, text: str) -> int:
        """The connection number of an id; raises Refusal for what is none of ours."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        try:
            block = base64.b64decode(text.strip() + "==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            block = b""
        if len(text.strip()) != ID_CHARACTERS or len(block) != KEY_BYTES:
            raise Refusal(f"an id has {ID_CHARACTERS} letters, digits, - and _")
        decryptor = Cipher(algorithms.AES(self._key), modes.ECB()).decryptor()
        plain = decryptor.update(block)
        if not secrets.compare_digest(plain[:PROOF_BYTES], self._proof):
            raise Refusal("this id was not made with the key of this server")
        return int.from_bytes(plain[PROOF_BYTES:], "big")


def _make(path: Path) -> None:
    data = secrets.token_bytes(KEY_BYTES + PROOF_BYTES)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
