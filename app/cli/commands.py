"""All commands, in the order in which they are listed."""

from __future__ import annotations

from app.cli import account, config, loginattempts, preflight, proving, queue, quickstart, server, setup
from app.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    *setup.COMMANDS,
    *quickstart.COMMANDS,
    *preflight.COMMANDS,
    *server.COMMANDS,
    *account.COMMANDS,
    *loginattempts.COMMANDS,
    *config.COMMANDS,
    *queue.COMMANDS,
    *proving.COMMANDS,
)
