"""`verifydata` says part by part what is whole, and fails when something is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.cli.main import main
from app.operations.testdata.making import make
from app.store.datalock import DataLock


def test_verifydata_finds_and_fixes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(make(tmp_path, "a password to test"))
    config = ["-config", str(tmp_path / "config" / "mox.conf")]
    assert main([*config, "verifydata"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["server.db: OK", "queue: OK"]
    assert said[-1] == f"{tmp_path / 'data'}: OK"
    (tmp_path / "data" / "queue" / "msg" / "extra").touch()
    assert main(["verifydata", str(tmp_path)]) == 1
    assert "error: queue: file msg/extra belongs to no message" in capsys.readouterr().out
    with DataLock(tmp_path / "data"):
        assert main([*config, "verifydata", "-fix"]) == 1
    assert main([*config, "verifydata", "-fix", "-quick"]) == 0
    assert "fixed: queue: queue/msg/extra moved to moved/queue/msg/extra" in capsys.readouterr().out
