"""Every command explains itself, and whatever the running server can be told has a command for it."""

from __future__ import annotations

import ast
import re

import pytest

from app.cli.command import Command
from app.cli.commands import COMMANDS
from app.ctl import configcommands, setupcommands
from tests.guards.source import modules


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_has_help_that_starts_with_a_sentence_and_an_example(command: Command) -> None:
    first, _, rest = command.help.strip().partition("\n")
    assert first.endswith("."), f"{command.words}: the first line of the help is one sentence, for the list of commands"
    assert re.search(rf"^    mox (-config \S+ )?{command.words}\b", rest, re.MULTILINE), (
        f"{command.words}: the help ends with an example to copy"
    )
    for flag in command.flags:
        assert flag.help, f"{command.words}: flag {flag.name} has no help"


def test_no_command_hides_another() -> None:
    words = [command.words for command in COMMANDS]
    assert len(words) == len(set(words))


def test_every_operation_of_the_control_socket_has_a_command() -> None:
    tables = [
        node.value
        for module in modules()
        if module.name.startswith("app.ctl.")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict) and ast.unparse(node.target) == "table"
    ]
    operations = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
    assert {"stop", "queuelist"} <= operations, "the tables in app/ctl were not found"
    operations |= configcommands.OPERATIONS.keys() | setupcommands.OPERATIONS.keys()
    said = {
        node.value
        for module in modules()
        if module.name.startswith("app.cli.")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
    }
    missing = sorted(operations - said)
    assert not missing, f"an operator cannot reach these from the command line; add a command in app/cli: {missing}"
