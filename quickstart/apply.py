"""Writes what `generate` made: config/, data/ and mox.service below one directory, all of it or nothing.

Refuses when config/ or data/ is there already. When anything fails, everything written is removed again, data/ with the
first account included.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.loading import load
from app.errors import ConfigError, Refusal
from app.operations.accountdata import set_password
from app.operations.clientsettings import ClientSetting, client_settings
from app.operations.dkimkeys import key_files
from app.operations.dnsrecords import files_below, host_of, records, zone_file
from app.operations.newfiles import PRIVATE, NewFile, written
from quickstart.generate import CERTIFICATE_FILE, KEY_FILE, Generated

SERVICE_FILE = "mox.service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Where things are, and what to publish."""

    mox_conf: Path
    data_dir: Path
    service_unit: Path
    zone: str
    clients: Sequence[ClientSetting]  # what to enter in mail programs


def apply(generated: Generated, directory: Path) -> Applied:
    """Write everything below `directory`, the first account with its password too.

    Raises Refusal, Temporary, or ConfigError if what was written would not load.
    """
    refuse_if_set_up(directory)
    config, data = directory / "config", directory / "data"
    with written(_files(generated, directory)), _removed_on_error(data):
        if problems := load(config / "mox.conf").problems:
            raise ConfigError(problems)
        data.mkdir(mode=0o750)
        set_password(generated.static, generated.dynamic, data, generated.account, generated.account_password)
        return Applied(
            mox_conf=config / "mox.conf",
            data_dir=data,
            service_unit=directory / SERVICE_FILE,
            zone=_zone(generated, config),
            clients=_clients(generated),
        )


def refuse_if_set_up(directory: Path) -> None:
    """Raise Refusal when there is a configuration or data in the directory already."""
    if present := [str(path) for path in (directory / "config", directory / "data") if os.path.lexists(path)]:
        raise Refusal(f"there already: {', '.join(present)}; start in an empty directory, or move these away")


def _files(generated: Generated, directory: Path) -> list[NewFile]:
    config = directory / "config"
    return [
        NewFile(config / "mox.conf", generated.mox_conf),
        NewFile(config / "domains.conf", generated.domains_conf),
        NewFile(config / "adminpasswd", generated.admin_password_file, PRIVATE),
        *_own_certificate(generated, config),
        NewFile(config / KEY_FILE, generated.certificate.key, PRIVATE),
        *key_files(generated.keys, config),
        NewFile(directory / SERVICE_FILE, generated.service_unit.encode(), 0o644),
    ]


def _own_certificate(generated: Generated, config: Path) -> list[NewFile]:
    """Only its key is of use where certificates come by themselves."""
    return [] if generated.static.acme else [NewFile(config / CERTIFICATE_FILE, generated.certificate.certificate)]


def _zone(generated: Generated, config: Path) -> str:
    keys = files_below(config)
    host = host_of(generated.static, keys)
    rows = [
        zone_file(records(generated.static, generated.dynamic, domain, host, keys))
        for domain in generated.dynamic.domains
    ]
    return "\n".join(rows)


def _clients(generated: Generated) -> list[ClientSetting]:
    found = [
        setting
        for config in generated.dynamic.domains.values()
        for setting in client_settings(generated.static, config)
    ]
    return [setting for setting in found if setting.listener == "public"]


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
