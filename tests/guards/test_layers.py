"""A module imports only from rows below its own (design.md, "Layers"; DEVELOP.md has the picture)."""

from __future__ import annotations

import ast

from tests.guards.source import Import, Module, imports, modules

LEAVES = ("assets", "clock", "errors", "ids", "limits", "log", "metrics")
COMPOSITION = (
    "app.serve",
    "app.localserve",
    "app.engine",
    "app.endpoints",
    "app.supervisor",
)  # one subject in several modules
# Row by row from the bottom. Names in one row are siblings and do not import each other.
ROWS = (
    tuple(f"app.{name}" for name in LEAVES),
    ("app.wire",),
    ("app.trust", "app.junk", "app.routing"),
    ("app.config",),
    ("app.store", "app.net"),
    ("app.smtpserver", "app.imapserver", "app.queue", "app.reports", "app.operations", "app.certificates"),
    ("app.web", "app.ctl"),
    ("app.serve", "app.engine", "app.endpoints", "app.localserve", "app.supervisor", "quickstart"),
    ("app.cli",),
)
ROW = {unit: number for number, units in enumerate(ROWS) for unit in units}
SIBLINGS_ALLOWED = {
    *((f"app.{leaf}", f"app.{below}") for leaf in LEAVES for below in ("errors", "clock")),
    *(("app.serve", part) for part in ("app.engine", "app.endpoints", "app.localserve", "app.supervisor")),
    ("app.engine", "app.endpoints"),
}
QUICKSTART_MAY = (
    "app.certificates.standing",
    "app.operations",
    *(f"app.web.{name}" for name in ("client", "forms", "headers", "serving", "statics", "templates")),
)

PURE_ROWS = ("app.wire", "app.trust", "app.junk", "app.routing")
IMPURE = {
    *("asyncio", "glob", "http", "multiprocessing", "pathlib", "select", "selectors", "shutil", "socket", "sqlite3"),
    *("ssl", "subprocess", "tempfile", "threading", "time", "urllib.request"),
}
IMPURE_ALLOWED = {("app.trust", "asyncio")}  # to ask DNS several questions at once
OS_ALLOWED = {"urandom", "PathLike", "fspath"}


def unit_of(name: str) -> str | None:
    """The unit of the table that a module belongs to."""
    return next((unit for unit in ROW if name == unit or name.startswith(unit + ".")), None)


def fault(module: Module, found: Import) -> str | None:
    """Why this import breaks the layers, or None."""
    if found.name.startswith("."):
        return "imports are absolute, by full name"
    here, there = unit_of(module.name), unit_of(found.name)
    if here is None or there is None or here == there or (here, there) in SIBLINGS_ALLOWED:
        return None
    if there == "quickstart" and here != "app.cli":
        return "only app.cli imports quickstart"
    if here == "quickstart" and ROW[there] >= 5 and not found.name.startswith(QUICKSTART_MAY):
        return f"quickstart imports of the upper rows only {', '.join(QUICKSTART_MAY)}"
    if ROW[there] == ROW[here]:
        return f"{here} and {there} are siblings; they meet in a row below, or in app/serve.py"
    return f"{there} is above {here}; move what both need down" if ROW[there] > ROW[here] else None


def test_modules_import_only_from_rows_below_their_own() -> None:
    found = modules()
    known = frozenset(module.name for module in found)
    faults = []
    for module in found:
        for item in imports(module, known):
            if why := fault(module, item):
                faults.append(f"{module.place}:{item.line} imports {item.name}: {why}")
    assert not faults, "\n".join(faults)


def test_every_module_has_a_row() -> None:
    rowless = [m.place for m in modules() if unit_of(m.name) is None and m.name not in ("app", "app.bootstrap")]
    assert not rowless, f"give these a row in {__file__}: {', '.join(rowless)}"


def test_low_rows_do_no_input_or_output() -> None:
    faults = []
    for module in modules():
        unit = unit_of(module.name)
        if unit in PURE_ROWS:
            for line, what in impurities(module):
                if (unit, what) not in IMPURE_ALLOWED:
                    faults.append(
                        f"{module.place}:{line} uses {what}; rows 1 and 2 turn values into values, nothing else"
                    )
    assert not faults, "\n".join(faults)


def impurities(module: Module) -> list[tuple[int, str]]:
    """Uses of the network, of files and of the clock."""
    found = [(item.line, item.name) for item in imports(module, frozenset())]
    impure = [(line, name) for line, name in found if name in IMPURE or name.split(".")[0] in IMPURE]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if (node.value.id == "os" and node.attr not in OS_ALLOWED) or name in ("datetime.now", "datetime.utcnow"):
                impure.append((node.lineno, name))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            impure.append((node.lineno, "open"))
    return impure
