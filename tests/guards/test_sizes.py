"""Modules and functions stay small enough to be read in one go (style.md section 5)."""

from __future__ import annotations

import ast

from tests.guards.source import modules

MODULE_LINES = 500
FUNCTION_LINES = 60
PARAMETERS = 5
EXCEPTIONS: frozenset[str] = frozenset()  # "path" or "path:function"; may only shrink


def test_no_module_passes_500_lines() -> None:
    long = {m.place: m.text.count("\n") for m in modules() if m.place not in EXCEPTIONS}
    faults = [f"{place} has {lines} lines" for place, lines in long.items() if lines > MODULE_LINES]
    assert not faults, f"split by subject, at most {MODULE_LINES} lines each:\n" + "\n".join(faults)


def test_no_function_passes_60_lines() -> None:
    faults = [
        f"{place} has {node.end_lineno - node.lineno + 1} lines"
        for place, node in functions()
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert not faults, f"give the parts of these functions names, at most {FUNCTION_LINES} lines each:\n" + "\n".join(
        faults
    )


def test_no_function_takes_more_than_5_parameters() -> None:
    faults = []
    for place, node in functions():
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        count = len([name for name in names if name not in ("self", "cls")])
        if count > PARAMETERS:
            faults.append(f"{place} takes {count}")
    assert not faults, f"more than {PARAMETERS} parameters are a frozen dataclass with a name:\n" + "\n".join(faults)


def functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Each function with its place, without the exceptions."""
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and f"{module.place}:{node.name}" not in EXCEPTIONS:
                found.append((f"{module.place}:{node.lineno} {node.name}", node))
    return found
