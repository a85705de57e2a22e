"""Every module says what it is, and has a name that says what is in it (style.md section 5)."""

from __future__ import annotations

import ast
import re

from tests.guards.source import ROOT, modules

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "tools", "stuff"}


def test_every_module_has_a_docstring_that_starts_with_a_sentence() -> None:
    faults = []
    for module in modules():
        docstring = ast.get_docstring(module.tree) or ""
        if not re.match(r"[^\n]*\S(\n[^\n]+)*[.:]", docstring):
            faults.append(module.place)
    assert not faults, "say in the docstring what the module is and promises, in full sentences:\n" + "\n".join(faults)


def test_no_module_is_a_drawer() -> None:
    faults = [m.place for m in modules() if set(m.name.split(".")) & FORBIDDEN_NAMES]
    assert not faults, "name the subject that the functions share, or move each to its subject:\n" + "\n".join(faults)


def test_packages_hold_their_docstring_and_nothing_that_runs() -> None:
    faults = []
    for module in modules():
        allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
        if module.path.name == "__init__.py" and not all(isinstance(node, allowed) for node in module.tree.body):
            faults.append(module.place)
    assert not faults, "a package's __init__.py is its documentation; move the code out:\n" + "\n".join(faults)


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {module.path.parent for module in modules()}
    faults = [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()]
    assert not faults, "an __init__.py with the package's docstring is missing in:\n" + "\n".join(faults)


def test_nothing_names_this_machine() -> None:
    faults = []
    for module in modules():
        if match := re.search(r"/home/[a-z]+/|/root\b", module.text):
            faults.append(f"{module.place}: {match[0]}")
    assert not faults, "no path of one machine in the program:\n" + "\n".join(faults)
