"""mox.pyz finds a safe place, unpacks itself once, and starts, on every Python and for every user that can."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.built import IS_ROOT, NOBODY, build, environment, everyones_python, open_place, readable_archive

PYTHON = everyones_python()

only_root = pytest.mark.skipif(not IS_ROOT, reason="needs root, to act as another user")


@pytest.fixture
def place() -> Iterator[Path]:
    with open_place() as path:
        yield path


def start(*arguments: str, python: str = PYTHON, user: int | None = None, **changes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, str(readable_archive()), *arguments],
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        user=user,
        cwd="/",
    )


def run(*arguments: str, python: str = PYTHON, user: int | None = None, **changes: str) -> tuple[int, str, str]:
    process = start(*arguments, python=python, user=user, **changes)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def copies(root: Path) -> list[Path]:
    return sorted(root.glob("mox-*"))


def refusal(root: Path, **options: int) -> str:
    """The reason given for a root that must not be used; there is no second one after an explicit one."""
    code, _, errors = run("help", MOX_CACHE=str(root), **options)  # type: ignore[arg-type]
    assert code == 1
    assert "MOX_CACHE" in errors
    assert "Traceback" not in errors
    reasons = [line for line in errors.splitlines() if line.startswith("  ")]
    assert len(reasons) == 1
    return reasons[0].removeprefix(f"  {root}: ")


def test_version_is_answered_without_unpacking(place: Path) -> None:
    code, output, errors = run("version", MOX_CACHE=str(place / "cache"))
    assert (code, errors) == (0, "")
    assert output.startswith("mox ")
    assert output.splitlines()[1].startswith("Python 3.")
    assert not (place / "cache").exists()


def test_four_first_starts_at_once_make_one_copy(place: Path) -> None:
    root = place / "cache"
    processes = [start("help", MOX_CACHE=str(root)) for _ in range(4)]
    results = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, code in results] == [0, 0, 0, 0], results
    assert len(copies(root)) == 1
    assert sorted(os.listdir(root)) == [".lock", copies(root)[0].name]


def test_copy_is_compiled_and_not_writable_by_others(place: Path) -> None:
    root = place / "cache"
    assert run("help", MOX_CACHE=str(root))[0] == 0
    (copy,) = copies(root)
    assert list((copy / "app" / "__pycache__").glob("*.pyc"))
    loose = [path for path in copy.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o022]
    assert not loose


def test_start_after_kill_in_the_middle_of_unpacking_succeeds(place: Path) -> None:
    root = place / "cache"
    killed = start("help", MOX_CACHE=str(root))
    while not list(root.glob(".mox-unpack-*/app")):
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not copies(root)
    assert run("help", MOX_CACHE=str(root))[0] == 0
    assert not list(root.glob(".mox-unpack-*"))


def test_interrupt_in_the_first_moments_is_quiet(place: Path) -> None:
    root = place / "cache"
    process = start("help", MOX_CACHE=str(root))
    while not list(root.glob(".mox-unpack-*/app")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130
    assert not copies(root)


def test_damaged_copy_says_what_to_remove(place: Path) -> None:
    root = place / "cache"
    code, output, errors = run("--unpack-to", str(root))
    assert code == 0, errors
    for library in Path(output.strip()).rglob("*.so"):
        os.truncate(library, 100)
    code, _, errors = run("dkim", "gened25519", MOX_CACHE=str(root))
    assert code == 1
    assert "Traceback" not in errors
    assert f"Remove {output.strip()}" in errors


def test_symbolic_link_is_refused(place: Path) -> None:
    (place / "link").symlink_to(place)
    assert refusal(place / "link") == "is a symbolic link; name the directory itself"


def test_root_that_others_can_write_is_refused(place: Path) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(0o777)
    assert refusal(place / "open") == "may be written by other users (mode 0777)"


def test_missing_tree_is_not_grown(place: Path) -> None:
    assert refusal(place / "a" / "b" / "c") == "no such file or directory"
    assert not (place / "a").exists()


def test_read_only_directory_is_refused(place: Path) -> None:
    root = place / "closed"
    root.mkdir()
    if IS_ROOT:
        os.chown(root, NOBODY, NOBODY)
    root.chmod(0o555)
    assert refusal(root, **({"user": NOBODY} if IS_ROOT else {})) == "permission denied"


def test_every_place_tried_is_listed_with_its_reason(place: Path) -> None:
    changes = {"MOX_CACHE": "", "HOME": "/nonexistent", "CACHE_DIRECTORY": str(place / "absent" / "cache")}
    for root in ("/var/tmp", "/dev/shm", "/var/cache"):
        if IS_ROOT or not os.access(root, os.W_OK):
            continue
        pytest.skip(f"{root} can be written here, so that nothing is refused")
    user = None
    if IS_ROOT:  # nobody's own directories in the shared places, prepared by somebody else
        user = NOBODY
        for shared in (Path(f"/var/tmp/mox-{NOBODY}"), Path(f"/dev/shm/mox-{NOBODY}")):
            shared.mkdir(mode=0o700)
            os.chown(shared, 12345, 12345)
    # As a build that nobody has unpacked yet: a copy that root made in /var/cache/mox, in another test, would be used.
    script = (
        f"import sys; sys.path[0] = {str(readable_archive())!r}; import _boot; _boot.BUILD = 'f' * 64; _boot.main()"
    )
    command = [PYTHON, "-c", script, "help"]
    try:
        done = subprocess.run(command, env=environment(**changes), capture_output=True, text=True, user=user, cwd="/")
    finally:
        for shared in (Path(f"/var/tmp/mox-{NOBODY}"), Path(f"/dev/shm/mox-{NOBODY}")):
            if IS_ROOT:
                shared.rmdir()
    assert done.returncode == 1
    errors = done.stderr
    tried = [line.strip().split(":")[0] for line in errors.splitlines() if line.startswith("  ")]
    expected = [str(place / "absent" / "cache"), "/nonexistent/.cache/mox", "/var/cache/mox"]
    assert tried == [*expected, f"/var/tmp/mox-{NOBODY}", f"/dev/shm/mox-{NOBODY}"]
    assert errors.count("belongs to another user (uid 12345)") == 2


@only_root
def test_directory_prepared_by_another_user_is_refused(place: Path) -> None:
    (place / "foreign").mkdir()
    os.chown(place / "foreign", NOBODY, NOBODY)
    assert refusal(place / "foreign") == f"belongs to another user (uid {NOBODY})"


@only_root
def test_file_system_mounted_noexec_is_refused_also_when_a_copy_is_there(place: Path) -> None:
    code, _, errors = run("--unpack-to", str(place / "cache"))
    assert code == 0, errors
    script = f'mount --bind {place} {place} && mount -o remount,bind,noexec {place} && echo mounted && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", PYTHON, str(readable_archive()), "help"]
    done = subprocess.run(command, env=environment(MOX_CACHE=str(place / "cache")), capture_output=True, text=True)
    if "mounted" not in done.stdout:
        pytest.skip(f"this machine does not let us mount: {done.stderr}")
    assert done.returncode == 1
    assert "is on a file system mounted noexec" in done.stderr


@only_root
def test_copy_made_by_root_serves_the_user_that_root_drops_to(place: Path) -> None:
    root = place / "cache"
    assert run("help", MOX_CACHE=str(root))[0] == 0
    (copy,) = copies(root)
    for changes in ({"MOX_CACHE": str(root)}, {"MOX_CACHE": "/nonexistent/cache", "MOX_ENTRY": str(copy)}):
        code, _, errors = run("help", user=NOBODY, **changes)
        assert (code, errors) == (0, "")
    assert not [path for path in (copy, *copy.rglob("*")) if path.stat().st_uid != 0]


def older_copy(root: Path) -> Path:
    """A copy as an earlier build would have left it, whose `help` says so."""
    code, output, errors = run("--unpack-to", str(root))
    assert code == 0, errors
    current = Path(output.strip())
    version, build_id, target = current.name.removeprefix("mox-").split("-", 2)
    older = root / f"mox-{version}-{'0' * len(build_id)}-{target}"
    current.rename(older)
    for compiled in (older / "app" / "cli" / "__pycache__").glob("main.*"):
        compiled.unlink()
    (older / "app" / "cli" / "main.py").write_text("def main(arguments):\n    print('the older one')\n    return 0\n")
    return older


def test_child_processes_stay_with_their_parents_copy_after_an_upgrade(place: Path) -> None:
    older = older_copy(place / "cache")
    assert run("help", MOX_CACHE=str(place / "cache"), MOX_ENTRY=str(older))[1] == "the older one\n"
    assert run("help", MOX_CACHE=str(place / "cache"))[1] != "the older one\n"


def test_inherited_copy_that_others_can_write_is_not_used(place: Path) -> None:
    older = older_copy(place / "cache")
    older.chmod(0o777)
    assert run("help", MOX_ENTRY=str(older))[1] != "the older one\n"


def test_copies_unused_for_two_weeks_are_removed_but_not_the_latest_nor_one_in_use(place: Path) -> None:
    root = place / "cache"
    old = time.time() - 15 * 86400
    for number, name in enumerate(("mox-1-a-x", "mox-1-b-x", "mox-1-c-x", "mox-1-d-x")):
        (root / name).mkdir(parents=True)
        root.chmod(0o700)
        (root / name / ".ok").touch()
        os.utime(root / name / ".ok", (old + number, old + number))
    (root / "mox-notes").mkdir()
    with subprocess.Popen(
        ["flock", "--shared", str(root / "mox-1-b-x" / ".ok"), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b"held\n")
        holder.stdin.flush()
        holder.stdout.readline()
        assert run("help", MOX_CACHE=str(root))[0] == 0
    left = [copy.name for copy in copies(root) if not (copy / "app").exists()]
    assert left == ["mox-1-b-x", "mox-1-d-x", "mox-notes"]


def test_damaged_archive_says_so(place: Path) -> None:
    data = bytearray(readable_archive().read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    damaged = place / "damaged.pyz"
    damaged.write_bytes(data)
    done = subprocess.run(
        [sys.executable, str(damaged), "help"],
        env=environment(MOX_CACHE=str(place / "cache")),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "mox: this file is damaged. Download or build it again.\n")
    assert not copies(place / "cache")


def other_pythons() -> list[str]:
    """Every other Python of this machine that starts, from the search path and where version managers put them."""
    named = [shutil.which(f"python3.{minor}") for minor in range(8, 20)] + [shutil.which("python2")]
    managed = Path.home().glob(".pyenv/versions/*/bin/python")
    found = {os.path.realpath(path) for path in (*named, *managed) if path} - {os.path.realpath(PYTHON)}
    return sorted(path for path in found if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0)


@pytest.mark.parametrize("python", other_pythons())
def test_other_pythons_run_it_or_are_refused_in_one_line(python: str, place: Path) -> None:
    question = "import sys; print(sys.version_info >= (3, 11))"
    answer = subprocess.run([python, "-c", question], capture_output=True, text=True).stdout.strip()
    code, _, errors = run("help", python=python, MOX_CACHE=str(place / "cache"))
    if answer == "True":
        assert (code, errors) == (0, "")
        assert run("help", python=python, MOX_CACHE=str(place / "cache"), PYTHONDONTWRITEBYTECODE="1")[0] == 0
    else:
        assert code == 1
        assert errors.startswith("mox needs Python 3.11 or later; this is Python ")
        assert errors.count("\n") == 1


def test_python_that_the_archive_has_nothing_for_is_told_what_it_carries(place: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("the fast archive is built for this platform's Python only")
    fast = place / "fast.pyz"
    build(fast, "--fast")
    others = [python for python in other_pythons() if "3.1" in python and os.path.realpath(sys.executable) != python]
    for python in others:
        tag = subprocess.run([python, "-c", "import sys; print('cp%d%d' % sys.version_info[:2])"], capture_output=True)
        name = tag.stdout.decode().strip()
        if name in (f"cp{sys.version_info.major}{sys.version_info.minor}", "cp310"):
            continue
        done = subprocess.run(
            [python, str(fast), "help"], env=environment(MOX_CACHE=str(place / "cache")), capture_output=True, text=True
        )
        assert done.returncode == 1
        assert f"nothing for this Python ({name}-" in done.stderr
        return
    pytest.skip("no second Python on this machine")
