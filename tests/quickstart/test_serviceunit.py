"""Units for systemd, looked at by systemd's own programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quickstart.serviceunit import Place, service_unit, socket_unit

ANALYZE = shutil.which("systemd-analyze")
PLACE = Place(directory="/srv/mox", archive="/srv/mox/mox.pyz", user="mox")


@pytest.mark.skipif(not ANALYZE, reason="needs systemd-analyze (Debian: apt install systemd)")
@pytest.mark.parametrize("is_given_sockets", [False, True])
def test_little_is_open_to_who_breaks_in(tmp_path: Path, is_given_sockets: bool) -> None:
    unit = tmp_path / "mox.service"
    unit.write_text(service_unit(PLACE, is_given_sockets=is_given_sockets))
    (tmp_path / "mox.socket").write_text(socket_unit([("0.0.0.0", 25)]))
    command = [str(ANALYZE), "security", "--offline=yes", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for mox.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 2.0


def test_names_with_signs_that_mean_something_to_systemd_stay_themselves() -> None:
    text = service_unit(Place(directory="/srv/my mail 100%", archive='/srv/a "b"/mox.pyz', user="mail"))
    assert "\nWorkingDirectory=/srv/my mail 100%%\n" in text
    assert '\nExecStart=/usr/bin/env python3 "/srv/a \\"b\\"/mox.pyz" serve\n' in text
    assert '\nReadWritePaths="/srv/my mail 100%%/config" "/srv/my mail 100%%/data"\n' in text
    assert "\nUser=mail\n" in text


def test_home_directories_are_closed_unless_the_server_is_in_one() -> None:
    assert "\nProtectHome=yes\n" in service_unit(PLACE)
    assert "\nProtectHome=read-only\n" in service_unit(Place(directory="/home/mox", archive="/opt/x.pyz", user="mox"))


def test_each_port_is_listened_on_once() -> None:
    text = socket_unit([("0.0.0.0", 25), ("::", 25), ("0.0.0.0", 25)])
    assert re.findall(r"^ListenStream=(.*)$", text, re.MULTILINE) == ["0.0.0.0:25", "[::]:25"]
