"""Configuration and data may share one directory, as localserve has them: a backup has each once, and it comes back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from app.operations.backup.run import Wanted, back_up
from app.operations.datacheck import Check, check_data
from app.operations.restore import everything
from app.operations.testdata.making import make


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_shared_directory_is_backed_up_once_and_restored(tmp_path: Path) -> None:
    asyncio.run(make(tmp_path / "made", "a password"))
    folder = tmp_path / "made" / "data"
    for name in ("mox.conf", "domains.conf"):
        shutil.move(tmp_path / "made" / "config" / name, folder / name)
    config = folder / "mox.conf"
    config.write_text(config.read_text().replace("DataDir: ../data", "DataDir: ."))
    backup = tmp_path / "backup"
    assert not back_up(Wanted(config_path=config, data_dir=folder, target=backup), lambda text: None).faults
    assert names(backup / "config") == {"mox.conf", "domains.conf"}
    assert names(backup / "data") == {"accounts", "queue", "receivedid.key", "server.db"}
    new = tmp_path / "new"
    wanted = everything.Wanted(backup=backup, config_path=new / "mox.conf")
    assert everything.restore_all(wanted, lambda text: None).faults == ()
    assert names(new) >= names(backup / "config") | names(backup / "data")
    assert [part for part in check_data(new, Check(hashes=True)) if part.faults or part.notes] == []
