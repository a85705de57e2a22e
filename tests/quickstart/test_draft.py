"""The answers survive whatever ends the program, and DNS records that were shown stay true."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import pytest

from app.errors import Temporary
from quickstart.draft import BadDraft, Draft, DraftFile, Started
from quickstart.generate import Answers, fitting_material, make_material
from quickstart.options import Network, parse_options
from quickstart.steps import Step

NOW = 1_790_000_000.0


def test_a_draft_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    draft = Draft(
        options=parse_options({"address": "jane@example.org", "existing_webserver": True}),
        network=Network(hostname="box", ips=()),
        admin_hash="$argon2id$x",
        passed=frozenset({Step.ADDRESS, Step.PASSWORD}),
        web_ports_taken=True,
        started=Started.CHILD,
        sent_to="old@example.net",
    )
    draft = dataclasses.replace(draft, material=make_material(draft.answers(tmp_path, ""), NOW))
    file = DraftFile(tmp_path)
    file.save(draft)
    assert DraftFile(tmp_path).load() == draft
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.erase()
    assert DraftFile(tmp_path).load() == Draft()


def test_a_disk_that_takes_nothing_leaves_the_old_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = DraftFile(tmp_path)
    file.save(Draft(admin_hash="first"))

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Temporary, match="No space"):
        file.save(Draft(admin_hash="second"))
    assert file.load().admin_hash == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["draft.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99}', '{"version": 1}', "3"])
def test_a_file_of_somebody_else_is_said_to_be_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "draft.json").write_text(text)
    with pytest.raises(BadDraft, match="remove it"):
        DraftFile(tmp_path).load()


def test_keys_stay_with_the_domain_and_the_certificate_with_its_names(tmp_path: Path) -> None:
    def answers(address: str, hostname: str = "") -> Answers:
        return Draft(options=parse_options({"address": address, "hostname": hostname})).answers(tmp_path, "")

    first = fitting_material(None, answers("jane@example.org"), NOW)
    assert fitting_material(first, answers("joe@example.org"), NOW + 1) is first
    renamed = fitting_material(first, answers("jane@example.org", "mx.example.net"), NOW + 1)
    assert (renamed.keys, renamed.made) == (first.keys, first.made)
    assert renamed.certificate != first.certificate
    other = fitting_material(first, answers("jane@example.org.example"), NOW + 1)
    assert other.keys != first.keys
