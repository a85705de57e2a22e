"""The page that imports an archive."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.store.accounts import AccountSettings
from app.web import uploadform
from tests.web.world import Visitor, World

MBOX = b"From a@b Tue Nov 14 22:13:20 2023\nSubject: one\n\ntext\n\n"
MARKUP = "<script>x</script>"


def archive(**more: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in {"Old.mbox": MBOX * 3, f"{MARKUP}.txt": b"x", **more}.items():
            file.writestr(name, content)
    return data.getvalue()


def upload(jane: Visitor, data: bytes, name: str = "my mail.zip", **fields: str) -> httpx.Response:
    answer: httpx.Response = jane.client.post(
        "/account/archive",
        data={"csrf": jane.csrf, **fields},
        files={"archive": (name, data, "application/zip")},
        follow_redirects=False,
    )
    return answer


def when(jane: Visitor, is_there: Callable[[str], bool]) -> str:
    """The page, as soon as it is as it should be."""
    limit = time.monotonic() + 20
    while not is_there(text := jane.get("/account/archive").text):
        assert time.monotonic() < limit, text
        time.sleep(0.02)
    return text


def test_archive_is_imported_and_the_page_tells_what_became_of_it(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert upload(jane, archive(), into="Before").status_code == 303
        text = when(jane, lambda text: "Imported before" in text)
        assert "<strong>my mail.zip</strong>" in text
        assert "3 messages taken" in text
        assert MARKUP not in text
        assert "&lt;script&gt;x&lt;/script&gt;.txt is left out" in text
        assert upload(jane, archive(), into="Before").status_code == 303
        assert "0 messages taken, 3 were here already" in when(jane, lambda text: "already." in text)
        assert "Before/Old" in jane.get("/account/").text


@pytest.mark.parametrize(
    ("data", "fields", "status", "words"),
    [
        (b"x", {"csrf": "wrong"}, 409, "from another sign-in"),
        (b"", {}, 409, "this file is empty"),
        (b"x", {"into": "a//b"}, 422, "This is no name for a mailbox"),
        (b"hello", {}, 303, "neither a zip or tar archive"),
        (MBOX * 2, {}, 303, "2 messages taken"),
    ],
)
def test_what_cannot_be_imported_is_said(
    tmp_path: Path, data: bytes, fields: dict[str, str], status: int, words: str
) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        answer = upload(jane, data, "x.bin", **fields)
        assert answer.status_code == status
        text = answer.text if status != 303 else when(jane, lambda text: "Imported before" in text)
        assert words.lower() in text.lower()
        files = [path for path in (world.live.data_dir / "imports").rglob("*") if path.is_file()]
        assert files == []


def test_import_into_an_account_that_is_full_can_go_on_or_be_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        quota = 0
        monkeypatch.setattr(world.accounts, "_settings", lambda name: AccountSettings(quota_bytes=quota))
        for button, told in (("resume", "3 messages taken"), ("drop", "0 messages taken")):
            quota = 10
            assert upload(jane, MBOX * 3, copies="on").status_code == 303
            text = when(jane, lambda text: "Imported before" in text)
            assert "The account is full" in text
            quota = 0
            assert jane.post(f"/account/archive/{button}", {}).status_code == 303
            text = when(jane, lambda text: "is being imported" not in text)
            assert told in text
            assert "archive/resume" not in text
            assert jane.post("/account/archive/resume", {}).status_code == 409


def test_other_sites_and_strangers_cannot_upload(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert upload(world.visitor(), MBOX).status_code == 303  # to the sign-in page
        jane.client.headers["Origin"] = "http://evil.example"
        assert upload(jane, MBOX).status_code == 409
        assert not (world.live.data_dir / "imports").exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n",
        b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nx',
        b"--b\r\nno name\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"x" * (uploadform.MAX_HEAD + 100),
        b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + b"x" * (uploadform.MAX_FIELD + 100),
        b'--b\r\nContent-Disposition: form-data; name="archive"; filename="x"\r\n\r\nx\r\n--b--\r\n',
    ],
)
def test_broken_forms_are_refused(tmp_path: Path, body: bytes) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        assert jane.client.post("/account/archive", content=body, headers=kind).status_code == 409
