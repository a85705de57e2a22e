"""`config tlspubkey`, with a server and without one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.cli.main import main
from tests.support.control import ControlWorld


@pytest.mark.parametrize("is_running", [True, False])
def test_key_is_made_registered_shown_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_running: bool
) -> None:
    world = ControlWorld(tmp_path)
    monkeypatch.setenv("MOXCONF", str(world.live.path))
    stem = tmp_path / "laptop"

    def typed(*words: str) -> str:
        assert main(["config", "tlspubkey", *words]) == 0
        return capsys.readouterr().out

    def work() -> None:
        assert typed("list").startswith("no keys")
        assert main(["config", "tlspubkey", "gen", str(stem)]) == 0
        fingerprint = capsys.readouterr().out.split("fingerprint")[1].split()[0]
        [certificate] = tmp_path.glob("laptop.*.certificate.pem")
        secrets = list(tmp_path.glob("laptop.*privatekey*"))
        assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600, 0o600]
        text = io.BytesIO(certificate.read_bytes())
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(text))
        assert fingerprint in typed("add", "-no-imap-preauth", "jane@example.com", "my laptop")
        assert f"{fingerprint} jane@example.com ed25519 since 2" in typed("list", "jane")
        assert certificate.read_text() in typed("get", fingerprint)
        assert typed("list", "locked").startswith("no keys")
        assert "no more" not in typed("rm", fingerprint)
        assert main(["config", "tlspubkey", "rm", fingerprint]) != 0
        assert typed("list").startswith("no keys")

    if is_running:
        world.run(work)
    else:
        world.server_db.close()
        work()
    world.accounts.close()
