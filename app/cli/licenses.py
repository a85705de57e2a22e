"""The command that prints the licences of this program and of what travels with it."""

from __future__ import annotations

from app.assets import ROOT, read_text
from app.cli.command import Command, Invocation


def _licenses(invocation: Invocation) -> int:
    invocation.expect(0)
    print(f"mox\n\n{read_text('LICENSE').strip()}")
    packages = sorted(ROOT.glob("*.dist-info"))
    for package in packages:
        print(f"\n\n{package.name.removesuffix('.dist-info')}")
        for path in sorted(package.rglob("*")):
            if path.is_file() and path.name != "METADATA":
                print(f"\n{path.read_text(encoding='utf-8', errors='replace').strip()}")
    if not packages:
        print("\n\nThis runs from its source; the licences of libraries are where Python has installed them.")
    return 0


COMMANDS = (
    Command(
        words="licenses",
        help="""Print the licences of this program and of the libraries in its file.

    mox licenses | less
""",
        run=_licenses,
    ),
)
