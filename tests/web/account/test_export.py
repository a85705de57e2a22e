"""The page that exports mail."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from tests.support.accounts import add_now, simple_message
from tests.web.world import World


def test_mail_is_downloaded_as_an_archive(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        add_now(world.jane, simple_message(1))
        add_now(world.jane, simple_message(2), "Archive")
        jane = world.account()
        assert "Inbox (1 message" in jane.get("/account/export").text
        answer = jane.get("/account/export/file?format=mbox&archive=zip&mailbox=&below=yes")
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].startswith('attachment; filename="jane-20')
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert b"Subject: message 2" in archive.read("Archive.mbox")
        answer = jane.get("/account/export/file?format=maildir&archive=tgz&mailbox=Archive")
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
            assert sum(member.isfile() for member in archive) == 1


def test_what_cannot_be_exported_is_told_as_a_page(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        assert jane.get("/account/export/file?format=mbox&archive=zip&mailbox=Gone").status_code == 404
        assert jane.get("/account/export/file?format=pst&archive=zip").status_code == 409
        assert world.visitor().get("/account/export/file?format=mbox&archive=zip").status_code == 303
