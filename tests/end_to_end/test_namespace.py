"""Started as root, in a network namespace of its own: who runs then, with which rights, and who may read the files."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.reading import wait_for
from tests.end_to_end.sites import Site, engine, make_site, send, starts
from tests.support.built import NOBODY, open_place
from tests.support.namespace import own_network, skip_reason

pytestmark = pytest.mark.skipif(bool(skip_reason()), reason=skip_reason())
NO_RESOLVER = "127.0.0.1:1"
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.fixture
def site() -> Iterator[Site]:
    with open_place() as place, own_network("198.51.100.7", "2001:db8::7"):
        yield make_site(place / "one.test", "one.test", 21, NO_RESOLVER)


def threads(site: Site) -> list[Path]:
    """Of both processes."""
    assert site.instance.process is not None
    pids = (site.instance.process.pid, engine(site))
    return [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]


def check_rights(site: Site) -> None:
    """Every thread is the user's, with no group but its own, and can become nothing else."""
    for thread in threads(site):
        status = dict(re.findall(r"^(\w+):\t(.*)$", (thread / "status").read_text(), re.MULTILINE))
        assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4
        assert status["Groups"].split() == []
        assert {name: int(status[name], 16) for name in CAPABILITIES} == dict.fromkeys(CAPABILITIES, 0)
        assert status["NoNewPrivs"] == "1"


def check_files(site: Site) -> None:
    """All that is kept is the user's, and others may do nothing with it; with keys and passwords, the group neither."""
    home = site.config.parent.parent
    found = {path: path.lstat() for top in (home / "config", home / "data") for path in (top, *top.rglob("*"))}
    assert {(one.st_uid, one.st_gid) for one in found.values()} == {(NOBODY, NOBODY)}
    assert [path for path, one in found.items() if one.st_mode & stat.S_IRWXO] == []
    private = [path for path in found if re.search(r"key|adminpasswd", path.name)]
    assert len(private) >= 4, private
    assert [path for path in private if found[path].st_mode & stat.S_IRWXG] == []
    assert stat.S_ISSOCK(found[home / "data" / "ctl"].st_mode)


def test_nothing_runs_as_root_and_nobody_else_reads_what_is_kept(site: Site) -> None:
    assert site.config.stat().st_uid == 0
    with site.instance.running():
        site.received(send(site))
        check_rights(site)
        check_files(site)
        os.kill(engine(site), signal.SIGKILL)
        wait_for(lambda: starts(site) == 2, site.instance.log)
        site.received(send(site))
        check_rights(site)
        check_files(site)
