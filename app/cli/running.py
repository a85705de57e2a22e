"""The running server, for commands that ask it: found by the configuration's data directory, asked over the control
socket."""

from __future__ import annotations

import os
from pathlib import Path

from app.cli.command import Invocation
from app.ctl.client import ControlClient, connect
from app.errors import ConfigError


def data_dir(invocation: Invocation) -> Path:
    """DataDir of mox.conf; raises ConfigError when the file cannot be read."""
    from app.config.reading import read
    from app.config.static import Static
    from app.errors import Problem

    path = invocation.config_path
    try:
        reading = read(path.read_bytes(), path.name, Static)
    except OSError as error:
        text = f"cannot be read: {error.strerror}; {_advice(error)}"
        raise ConfigError([Problem(file=str(path), line=0, path="", text=text)]) from None
    name = reading.value.data_dir
    if not name:
        raise ConfigError(reading.problems)
    return Path(os.path.normpath(path.parent / name))


def _advice(error: OSError) -> str:
    """What to do about a mox.conf that cannot be read."""
    if isinstance(error, PermissionError):
        return "run this as root or as the user that mox runs as"
    if isinstance(error, FileNotFoundError):
        return "name another with -config, or make one with 'quickstart'"
    return "name another with -config"


def ask_server(invocation: Invocation) -> ControlClient:
    """A connection to the server that runs with this configuration."""
    return connect(data_dir(invocation))
