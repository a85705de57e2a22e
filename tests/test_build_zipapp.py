"""The parts of build_zipapp.py that decide what gets into mox.pyz."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

import build_zipapp
from build_zipapp import BuildError, Plan, Target, grouped, index_of, locked, package_files, target_files

ONE = f"one==1.0 \\\n    --hash=sha256:{'a' * 64}"
TWO = f"two-b==2.0 \\\n    --hash=sha256:{'b' * 64} \\\n    --hash=sha256:{'c' * 64}"


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    return path


def test_lock_gives_each_requirement_with_its_hashes() -> None:
    assert locked(f"# comment\n{ONE}\n{TWO}\n") == {"one": ONE, "two-b": TWO}


@pytest.mark.parametrize("text", ["one==1.0\n", f"{ONE}\ntwo>=2\n", f"{ONE}\n--index-url https://example.org\n"])
def test_lock_with_anything_but_hashed_requirements_is_refused(text: str) -> None:
    with pytest.raises(BuildError):
        locked(text)


def test_committed_lock_is_readable_and_lacks_what_only_compiling_needs() -> None:
    found = locked(build_zipapp.LOCK.read_text(encoding="utf-8"))
    assert {"cryptography", "dkimpy", "uvloop"} <= set(found)
    assert "pycparser" not in found


def test_wheel_is_stripped_of_what_does_not_run(tmp_path: Path) -> None:
    names = {
        "one/__init__.py": True,
        "one/tests.py": True,
        "one/data.json": True,
        "one/tests/test_one.py": False,
        "one/_native.pyi": False,
        "one/native.c": False,
        "one/_native.abi3.so": True,
        "one-1.0.dist-info/METADATA": True,
        "one-1.0.dist-info/licenses/LICENSE": True,
        "one-1.0.dist-info/RECORD": False,
        "one-1.0.data/scripts/one": False,
        "one-1.0.data/purelib/also.py": True,
    }
    package = wheel(tmp_path, "one-1.0-py3-none-any.whl", dict.fromkeys(names, b""))
    kept = {name.replace("one-1.0.data/purelib/", "") for name, wanted in names.items() if wanted}
    assert {name for name, _ in package_files(package)} == kept


def test_source_archive_gives_its_package_and_licence_as_a_wheel_would(tmp_path: Path) -> None:
    package = tmp_path / "dkimpy-1.0.tar.gz"
    with tarfile.open(package, "w:gz") as archive:
        for name in ("dkim/__init__.py", "dkim/tests/test_a.py", "setup.py", "LICENSE", "PKG-INFO"):
            member = tarfile.TarInfo(f"dkimpy-1.0/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    assert dict(package_files(package)) == {
        "dkim/__init__.py": b"dkim/__init__.py",
        "dkimpy-1.0.dist-info/LICENSE": b"LICENSE",
        "dkimpy-1.0.dist-info/METADATA": b"PKG-INFO",
    }


def test_two_packages_with_different_content_for_one_path_stop_the_build(tmp_path: Path) -> None:
    package = wheel(tmp_path, "one-1.0-py3-none-any.whl", {"app/__init__.py": b"theirs"})
    with pytest.raises(BuildError, match=r"app/__init__\.py"):
        target_files([package], {"app/__init__.py": b"ours"})


def test_equal_files_are_stored_once_and_each_target_finds_its_own() -> None:
    payloads = {
        "cp311-x": {"a.py": b"same", "n.so": b"for 311"},
        "cp312-x": {"a.py": b"same", "n.so": b"for 312"},
    }
    groups = grouped(payloads)
    assert sorted(path for group in groups for path, _ in group.files) == ["a.py", "n.so", "n.so"]
    for tag, files in payloads.items():
        assert {path: data for group in groups if tag in group.targets for path, data in group.files} == files
    assert index_of(groups, payloads) == index_of(grouped(dict(reversed(payloads.items()))), sorted(payloads))


def test_pip_is_asked_for_the_oldest_c_libraries_and_the_stable_abi() -> None:
    options = Target("3.12", "aarch64-linux-gnu").pip_options()
    assert {"--python-version=3.12", "--abi=cp312", "--abi=abi3", "--platform=manylinux_2_28_aarch64"} <= set(options)
    assert not [option for option in options if "x86_64" in option or "manylinux_2_34" in option]


def test_editor_and_cache_files_do_not_travel() -> None:
    names = ["app/a.py", "app/a.py~", "app/.a.py.swp", "app/__pycache__/a.pyc", ".hidden", "templates/x.html"]
    assert [name for name in names if not build_zipapp.NOT_PROGRAM.search(name)] == ["app/a.py", "templates/x.html"]


def test_file_is_current_only_for_the_same_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(targets=(Target("3.11", "x86_64-linux-gnu"),), fast=False, output=tmp_path / "mox.pyz")
    assert not build_zipapp.is_current(plan)
    build_zipapp.write_archive(plan.output, {"p/inputs": build_zipapp.inputs(plan).encode()})
    assert build_zipapp.is_current(plan)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert not build_zipapp.is_current(plan)


def test_run_takes_every_argument_after_it_as_the_programs_own() -> None:
    options, run = build_zipapp.parse_arguments(["--targets", "all", "--run", "localserve", "--fast", "--run"])
    assert (options.targets, options.fast, run) == ("all", False, ["localserve", "--fast", "--run"])
