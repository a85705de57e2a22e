"""The page of client keys: made and shown once, registered, removed, and never with an open browser alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import pytest

from app.store.clientkeys import ClientKey
from app.web import signin
from tests.support.clientkeys import make_shown
from tests.web.world import PASSWORD, World

FIELDS = {"address": "jane@example.com", "name": "<b>laptop", "present": PASSWORD}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "WRONG_S", 0.0)


def kept(world: World) -> Sequence[ClientKey]:
    return asyncio.run(world.services.server.keys.list())


def test_made_key_is_shown_once_listed_and_removed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert "No program signs in with a key" in jane.get("/account/keys").text
        page = jane.post("/account/keys/made", FIELDS)
        assert "-----BEGIN PRIVATE KEY-----" in page.text
        [key] = kept(world)
        assert (key.kind, key.name, key.account) == ("ed25519", "<b>laptop", "jane")
        listed = jane.get("/account/keys").text
        assert "PRIVATE KEY" not in listed
        assert "&lt;b&gt;laptop" in listed
        jane.post("/account/keys/removed", {"fingerprint": key.fingerprint})
        assert not kept(world)


def test_made_key_comes_as_a_file_with_its_certificate(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        answer = world.account().post("/account/keys/made", {**FIELDS, "as_file": "yes", "no_imap_preauth": "yes"})
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["cache-control"] == "no-store"
        assert re.findall("BEGIN ([A-Z ]+)-", answer.text) == ["PRIVATE KEY", "CERTIFICATE"]
        assert kept(world)[0].no_imap_preauth


def test_pasted_certificate_is_registered_for_an_own_address_only(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane, shown = world.account(), make_shown(tmp_path)
        pem = shown.certificate.read_text()
        assert jane.post(
            "/account/keys", {**FIELDS, "certificate": pem, "address": "locked@example.com"}
        ).status_code in (
            400,
            422,
        )
        assert not kept(world)
        assert jane.post("/account/keys", {**FIELDS, "certificate": pem}).status_code == 303
        assert kept(world)[0].fingerprint == shown.registered().fingerprint
        again = jane.post("/account/keys", {**FIELDS, "certificate": pem})
        assert "registered already" in again.text


@pytest.mark.parametrize(
    ("certificate", "word"),
    [
        ("", "certificate-error"),
        ("hello", "no certificate in PEM form"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "give to nobody"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "not a certificate that can be read"),
        ("-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----", "damaged"),
    ],
)
def test_what_is_no_certificate_is_refused_with_a_reason(tmp_path: Path, certificate: str, word: str) -> None:
    with World(tmp_path) as world:
        page = world.account().post("/account/keys", {**FIELDS, "certificate": certificate})
        assert page.status_code == 422
        assert word in unescape(page.text)
        assert not kept(world)


def test_open_browser_is_not_enough(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        for path in ("/account/keys/made", "/account/keys"):
            fields = {**FIELDS, "present": "wrong one", "certificate": make_shown(tmp_path).certificate.read_text()}
            page = jane.post(path, fields)
            assert page.status_code == 422
            assert "PRIVATE KEY" not in page.text
        assert not kept(world)
