#!/usr/bin/env python3
"""Builds dist/mox.pyz, the whole server in one file. Needs Python 3.11 or later, pip or venv, and nothing else.

    python3 build_zipapp.py                  build for this platform, Python 3.11 to 3.14
    python3 build_zipapp.py --run ARGS...    build if anything changed, then run it with the arguments
    python3 build_zipapp.py --targets all    one file for every platform in PLATFORMS (for a release)
    python3 build_zipapp.py --lock           choose versions anew and write requirements.lock

The file is a zip behind a `#!` line: `__main__.py`, `_boot.py` (app/bootstrap.py with version and build filled in),
`p/index.json`, and the payload `p/0`, `p/1`, ... A target is one interpreter on one platform. Equal files are stored
once: files are grouped by the set of targets that need them, each group is one member, its files one after the other
in the order that the index lists. The bootstrap reads the groups of its own target.

Same input, same bytes: names are sorted, modes and times fixed (SOURCE_DATE_EPOCH), nothing is compiled here. Only the
compressed bytes depend on the zlib in use; the build id is a hash of the uncompressed content.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WORK = ROOT / "build"
LOCK = ROOT / "requirements.lock"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")  # the oldest first: its stable-ABI wheels serve the others too

GLIBC = [f"manylinux_2_{minor}" for minor in range(28, 16, -1)] + ["manylinux2014"]
MUSL = ["musllinux_1_2", "musllinux_1_1"]
MACOS = [f"macosx_{major}_0_arm64" for major in (14, 13, 12, 11)]
PLATFORMS = {
    "x86_64-linux-gnu": [f"{tag}_x86_64" for tag in GLIBC],
    "aarch64-linux-gnu": [f"{tag}_aarch64" for tag in GLIBC],
    "x86_64-linux-musl": [f"{tag}_x86_64" for tag in MUSL],
    "aarch64-linux-musl": [f"{tag}_aarch64" for tag in MUSL],
    "arm64-darwin": [*MACOS, "macosx_11_0_universal2", "macosx_10_9_universal2"],
}
FAST = ("uvloop",)  # large and only faster: left out unless asked for
LEFT_OUT = ("pycparser",)  # cffi needs it to compile, not to run
SOURCE_ONLY = {"dkimpy": "dkim"}  # published without wheel; all Python, so its package folder is taken as it is

PROGRAM = ("app", "quickstart", "templates", "static", "LICENSE")
NOT_PROGRAM = re.compile(r"(^|/)(\.|__pycache__/)|(~|\.py[co]|\.sw[op]|\.orig|\.rej)$")
NOT_PAYLOAD = re.compile(
    r"/(tests?|__pycache__)/|\.(pyi|pyx|pxd|pyc|c|h|cc|cpp|hpp|rs|toml)$|(^|/)py\.typed$"
    r"|^[^/]+\.data/(scripts|headers|data)/|\.dist-info/(sboms/.*|RECORD|WHEEL|INSTALLER|entry_points\.txt|top_level\.txt)$"
)
MAIN = """\
import sys
if sys.version_info < (3, 11):
    sys.exit("mox needs Python 3.11 or later; this is Python %d.%d." % sys.version_info[:2])
import _boot
_boot.main()
"""


class BuildError(Exception):
    """The build cannot go on; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """One interpreter on one platform."""

    python: str
    platform: str

    @property
    def tag(self) -> str:
        return f"cp{self.python.replace('.', '')}-{self.platform}"

    def pip_options(self) -> list[str]:
        abi = f"cp{self.python.replace('.', '')}"
        options = ["--implementation=cp", f"--python-version={self.python}"]
        options += [f"--abi={name}" for name in (abi, "abi3", "none")]
        return options + [f"--platform={name}" for name in (*PLATFORMS[self.platform], "any")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to build, and where to."""

    targets: tuple[Target, ...]
    fast: bool
    output: Path


@dataclass(frozen=True, slots=True)
class Group:
    """Files that the same targets need."""

    targets: frozenset[str]
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def content(self) -> bytes:
        return b"".join(data for _, data in self.files)


# Targets


def this_platform() -> str:
    """The platform of the running interpreter, as PLATFORMS names it."""
    triplet = str(sysconfig.get_config_var("EXT_SUFFIX")).lstrip(".").split(".")[0].partition("-")[2].partition("-")[2]
    name = f"{os.uname().machine}-darwin" if triplet == "darwin" else triplet
    if name not in PLATFORMS:
        raise BuildError(f"no wheels are locked for this platform ({name}); known are: {', '.join(PLATFORMS)}")
    return name


def chosen_targets(choice: str) -> tuple[Target, ...]:
    """The targets behind a word of --targets."""
    if choice == "current":
        platforms = [this_platform()]
    else:
        platforms = [name for name in PLATFORMS if choice == "all" or name.endswith("-linux-gnu")]
    return tuple(Target(python, platform) for platform in platforms for python in PYTHONS)


# The locked requirements


def locked(text: str) -> dict[str, str]:
    """Name to requirement with hashes, from the text of requirements.lock."""
    pattern = r"^([a-z0-9-]+)==\S+(?: \\\n +--hash=sha256:[0-9a-f]{64})+$"
    found = {match[1]: match[0] for match in re.finditer(pattern, text, re.MULTILINE)}
    if len(found) != len(re.findall(r"^[^#\s]", text, re.MULTILINE)):
        raise BuildError(f"{LOCK.name} has a line that is no requirement with hashes; make it anew with --lock")
    return found


def write_lock() -> None:
    """Resolves the dependencies in pyproject.toml and locks the wheels of every target by hash."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*declared["dependencies"], *declared["optional-dependencies"]["fast"]]
    versions = resolve(wanted)
    hashes: dict[str, set[str]] = {name: set() for name in versions}
    with tempfile.TemporaryDirectory() as scratch:
        requirements = {name: f"{name}=={version}" for name, version in versions.items()}
        for target, wheels in fetch_all(chosen_targets("all"), requirements, Path(scratch)).items():
            print(f"{target.tag}: {len(wheels)} wheels", file=sys.stderr)
            for wheel in wheels:
                hashes[project(wheel)].add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    lines = ["# The wheels that travel in mox.pyz, for every platform. Written by build_zipapp.py --lock."]
    for name in sorted(versions):
        lines.append(f"{name}=={versions[name]} \\")
        lines.append(" \\\n".join(f"    --hash=sha256:{value}" for value in sorted(hashes[name])))
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


def resolve(wanted: list[str]) -> dict[str, str]:
    """Name to version of everything that the wanted packages need to run."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        options = ["--dry-run", "--ignore-installed", f"--report={report}"]
        pip("install", *options, *binary_options(), *wanted)
        chosen = [item["metadata"] for item in json.loads(report.read_bytes())["install"]]
    names = {canonical(item["name"]): str(item["version"]) for item in chosen}
    return {name: version for name, version in names.items() if name not in LEFT_OUT}


def canonical(name: str) -> str:
    """A project's name as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project(package: Path) -> str:
    """The project that a wheel or a source archive belongs to, from its file name."""
    return canonical(package.name.split("-")[0])


def binary_options() -> list[str]:
    """Wheels only, so that nothing of a package runs while we build, but for those that have none."""
    return ["--only-binary=:all:", f"--no-binary={','.join(SOURCE_ONLY)}"]


# Wheels


def pip(*arguments: str) -> None:
    """Runs pip: this Python's, or the one of a private environment, as Debian's Python comes without."""
    python = sys.executable
    if importlib.util.find_spec("pip") is None:
        python = str(WORK / "pip" / "bin" / "python")
        if not os.path.exists(python):
            print("making an environment for pip in build/pip", file=sys.stderr, flush=True)
            if subprocess.run([sys.executable, "-m", "venv", str(WORK / "pip")]).returncode != 0:
                raise BuildError("this Python has neither pip nor venv; on Debian: apt install python3-venv")
    command = [python, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*command, *arguments[1:]], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise BuildError(f"pip could not get what is needed:\n{done.stderr.strip()}")


def fetch_all(targets: Iterable[Target], requirements: dict[str, str], store: Path) -> dict[Target, list[Path]]:
    """The packages of each target, with as few downloads as the wheels' own tags allow."""
    sources = {name: text for name, text in requirements.items() if name in SOURCE_ONLY}
    pure = {project(package): package for package in fetch(sources, store / "source", binary_options())}
    stable: dict[tuple[str, str], Path] = {}
    found: dict[Target, list[Path]] = {}
    for target in targets:
        have = {name: stable.get((name, target.platform), pure.get(name)) for name in requirements}
        missing = {name: requirements[name] for name, package in have.items() if package is None}
        wheels = fetch(missing, store / target.tag, ["--only-binary=:all:", *target.pip_options()])
        for wheel in wheels:
            abi, platform = wheel.stem.split("-")[-2:]
            if platform == "any":
                pure[project(wheel)] = wheel
            elif abi in ("abi3", "none"):
                stable[project(wheel), target.platform] = wheel
        found[target] = sorted([*wheels, *(package for package in have.values() if package)], key=project)
    return found


def fetch(requirements: dict[str, str], folder: Path, options: list[str]) -> list[Path]:
    """Downloads packages by pip into a folder of their own, which the next build finds again."""
    if requirements and not folder.exists():
        print(f"getting {len(requirements)} packages for {folder.name}", file=sys.stderr, flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            wanted = Path(scratch, "requirements.txt")
            wanted.write_text("\n".join(requirements.values()) + "\n", encoding="utf-8")
            pip("download", "--no-deps", f"--dest={scratch}/packages", f"--requirement={wanted}", *options)
            with contextlib.suppress(OSError):  # another build was faster
                os.rename(f"{scratch}/packages", folder)
    return sorted(folder.iterdir()) if requirements else []


def package_files(package: Path) -> Iterator[tuple[str, bytes]]:
    """What of a package is needed at run time, by its path in site-packages."""
    for name, data in (wheel_files if package.suffix == ".whl" else source_files)(package):
        if not NOT_PAYLOAD.search(name):
            yield re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name), data


def wheel_files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """All files of a wheel."""
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            if not name.endswith("/"):
                yield name, opened.read(name)


def source_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """The package folder, licence and metadata of a source archive, where a wheel has them."""
    release = source.name.removesuffix(".tar.gz")
    records = {"PKG-INFO": "METADATA", "LICENSE": "LICENSE"}
    with tarfile.open(source) as opened:
        for member in opened.getmembers():
            name = member.name.removeprefix(release + "/")
            content = opened.extractfile(member) if member.isfile() else None
            if content and name in records:
                yield f"{release}.dist-info/{records[name]}", content.read()
            elif content and name.startswith(SOURCE_ONLY[project(source)] + "/"):
                yield name, content.read()


# The archive


def program_files() -> dict[str, bytes]:
    """Our own files by their path in the archive."""
    paths: list[Path] = []
    for name in PROGRAM:
        top = ROOT / name
        paths += [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {name: names[name].read_bytes() for name in sorted(names) if not NOT_PROGRAM.search(name)}


def target_files(wheels: Iterable[Path], program: dict[str, bytes]) -> dict[str, bytes]:
    """All files of one target. Two sources for one path would be a fault that shows only on some machine."""
    files = dict(program)
    for wheel in wheels:
        for path, data in package_files(wheel):
            if files.setdefault(path, data) != data:
                raise BuildError(f"{wheel.name} brings {path}, which is there already")
    return files


def grouped(payloads: dict[str, dict[str, bytes]]) -> list[Group]:
    """Every file once, grouped by the set of targets that need it."""
    users: dict[tuple[str, bytes], set[str]] = {}
    for tag, files in payloads.items():
        for path, data in files.items():
            users.setdefault((path, data), set()).add(tag)
    groups: dict[frozenset[str], Group] = {}
    for (path, data), tags in sorted(users.items()):
        groups.setdefault(frozenset(tags), Group(frozenset(tags))).files.append((path, data))
    return sorted(groups.values(), key=lambda group: sorted(group.targets))


def index_of(groups: list[Group], tags: Iterable[str]) -> bytes:
    """p/index.json: which groups a target needs, and what is in each."""
    described = [
        {
            "sha256": hashlib.sha256(group.content()).hexdigest(),  # for the build id; zip has checksums of its own
            "files": [[path, len(data)] for path, data in group.files],
        }
        for group in groups
    ]
    needs = {tag: [number for number, group in enumerate(groups) if tag in group.targets] for tag in tags}
    return json.dumps({"groups": described, "targets": needs}, sort_keys=True, separators=(",", ":")).encode()


def bootstrap(program: dict[str, bytes], index: bytes) -> tuple[bytes, str]:
    """The text of `_boot.py` with version and build filled in, and the build id."""
    source = program["app/bootstrap.py"].decode()
    build = hashlib.sha256(index + source.encode() + MAIN.encode()).hexdigest()
    version = re.search(rb'^VERSION = "([^"]+)"$', program["app/__init__.py"], re.MULTILINE)
    if version is None:
        raise BuildError("app/__init__.py has no line VERSION")
    for name, value in (("VERSION", version[1].decode()), ("BUILD", build)):
        source, count = re.subn(rf'^{name} = "source"$', f'{name} = "{value}"', source, flags=re.MULTILINE)
        if count != 1:
            raise BuildError(f"app/bootstrap.py needs exactly one line {name}")
    return source.encode(), build


def write_archive(output: Path, members: dict[str, bytes]) -> None:
    """Writes the file beside its final name and renames it, as a server may be running from the old one."""
    moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]  # zip starts in 1980
    output.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=output.parent, prefix=".mox-build-")
    try:
        with open(descriptor, "wb") as file:
            file.write(b"#!/usr/bin/env python3\n")
            with zipfile.ZipFile(file, "w") as archive:
                for name, data in members.items():
                    member = zipfile.ZipInfo(name, moment)
                    member.create_system, member.external_attr = 3, 0o100644 << 16
                    member.compress_type = zipfile.ZIP_DEFLATED if name.startswith("p/") else zipfile.ZIP_STORED
                    archive.writestr(member, data, compresslevel=9)
        os.chmod(scratch, 0o755)
        os.replace(scratch, output)
    except BaseException:
        os.unlink(scratch)
        raise


def build(plan: Plan) -> None:
    """Makes the file and says what it is."""
    requirements = {
        name: text for name, text in locked(LOCK.read_text(encoding="utf-8")).items() if plan.fast or name not in FAST
    }
    store = WORK / "wheels" / hashlib.sha256("\n".join(requirements.values()).encode()).hexdigest()[:16]
    program = program_files()
    wheels = fetch_all(plan.targets, requirements, store)
    payloads = {target.tag: target_files(wheels[target], program) for target in plan.targets}
    groups = grouped(payloads)
    index = index_of(groups, payloads)
    boot, build_id = bootstrap(program, index)
    members = {"__main__.py": MAIN.encode(), "_boot.py": boot, "p/inputs": inputs(plan).encode(), "p/index.json": index}
    members |= {f"p/{number}": group.content() for number, group in enumerate(groups)}
    write_archive(plan.output, members)
    size = plan.output.stat().st_size / 1e6
    print(
        f"{plan.output}: {size:.1f} MB, build {build_id[:16]}, {len(payloads)} targets: {', '.join(payloads)}",
        file=sys.stderr,  # what --run runs has standard output for itself
    )


def inputs(plan: Plan) -> str:
    """A hash of everything that the archive is made from."""
    digest = hashlib.sha256()
    digest.update(repr([plan.targets, plan.fast, os.environ.get("SOURCE_DATE_EPOCH")]).encode())
    digest.update(Path(__file__).read_bytes() + LOCK.read_bytes())
    for path, data in program_files().items():
        digest.update(f"\n{path} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def is_current(plan: Plan) -> bool:
    """Whether the file is there and was made from just these inputs."""
    try:
        with zipfile.ZipFile(plan.output) as archive:
            return archive.read("p/inputs").decode() == inputs(plan)
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


# The command


def parse_arguments(arguments: list[str]) -> tuple[argparse.Namespace, list[str] | None]:
    """Our own options, and what follows --run, which is not ours."""
    ours, run = arguments, None
    if "--run" in arguments:
        at = arguments.index("--run")
        ours, run = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(description="Build mox.pyz, the whole server in one file.")
    parser.add_argument("--targets", choices=("current", "linux", "all"), default="current", help="platforms to carry")
    parser.add_argument("--fast", action="store_true", help="add uvloop (this Python and platform only)")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "mox.pyz", metavar="FILE")
    parser.add_argument("--lock", action="store_true", help="choose versions anew and write requirements.lock")
    parser.add_argument("--run", action="store_true", help="build if needed, then run with all arguments that follow")
    return parser.parse_args(ours), run


def main(arguments: list[str]) -> None:
    """Builds, locks, or builds and runs."""
    options, run = parse_arguments(arguments)
    if options.lock:
        write_lock()
        return
    targets = chosen_targets(options.targets)
    if options.fast:
        targets = (Target(f"{sys.version_info.major}.{sys.version_info.minor}", this_platform()),)
    plan = Plan(targets=targets, fast=options.fast, output=options.output)
    if run is None or not is_current(plan):
        build(plan)
    if run is not None:
        os.execv(sys.executable, [sys.executable, str(plan.output), *run])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BuildError as problem:
        sys.exit(f"build_zipapp.py: {problem}")
