"""The answers so far and how far the set-up is, in one small file.

Written before each answer is acknowledged, in one step, for its owner only; whoever starts the program again goes on
where it was. No password is in it: the administrator's is there as its hash. Keys and certificate are, so that the DNS
records that were shown stay true; `erase` removes the file when the set-up is done.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from app.errors import MailError, Refusal
from app.net.selfsigned import SelfSigned
from app.operations.dkimkeys import DkimKey
from app.wire.domain import Domain
from quickstart import privatefile
from quickstart.generate import Answers, Material
from quickstart.options import Network, Options, answers_of, parse_options, write_options
from quickstart.steps import Progress, Step, passed_after

DRAFT_FILE = "draft.json"
VERSION = 1


class Started(Enum):
    """How the server was started."""

    NOT = ""
    CHILD = "child"  # by this program, which stays with it
    SYSTEMD = "systemd"


class BadDraft(MailError):
    """The file is not one of ours any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that is known; `options` is None before the first answer."""

    options: Options | None = None
    network: Network = field(default_factory=lambda: Network(hostname="", ips=()))
    admin_hash: str = field(default="", repr=False)
    material: Material | None = field(default=None, repr=False)
    passed: frozenset[Step] = frozenset()
    web_ports_taken: bool = False
    started: Started = Started.NOT
    sent_to: str = ""  # the old address that a test message went to
    sent_id: str = ""  # its Message-ID

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(passed=self.passed, asks_webserver=self.web_ports_taken)

    def answers(self, directory: Path, archive: str) -> Answers:
        """What the files are made from; raises Refusal before there is an address."""
        if self.options is None:
            raise Refusal("give your mail address first")
        return answers_of(self.options, self.network, str(directory), archive)

    def passing(self, step: Step, *, changed: bool = False) -> Draft:
        """The draft with a step answered."""
        return replace(self, passed=passed_after(self.passed, step, changed=changed))


class DraftFile:
    """The file in the set-up's directory."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / DRAFT_FILE

    def exists(self) -> bool:
        """Whether a set-up was begun."""
        return self.path.exists()

    def load(self) -> Draft:
        """What is on disk; an empty draft when nothing is. Raises BadDraft."""
        content = privatefile.read(self.path)
        if not content:
            return Draft()
        try:
            return _read(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError, Refusal) as error:
            text = f"{self.path} cannot be understood ({error}); remove it to begin anew"
            raise BadDraft(text) from None

    def save(self, draft: Draft) -> None:
        """Put the draft on disk; raises Temporary."""
        privatefile.replace(self.path, json.dumps(_write(draft), indent=1).encode())

    def erase(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _write(draft: Draft) -> dict[str, Any]:
    return {
        "version": VERSION,
        "answers": write_options(draft.options) if draft.options else None,
        "network": {
            "hostname": draft.network.hostname,
            "ips": [str(ip) for ip in draft.network.ips],
            "outside": [str(ip) for ip in draft.network.outside],
        },
        "admin_hash": draft.admin_hash,
        "material": _write_material(draft.material) if draft.material else None,
        "passed": sorted(step.value for step in draft.passed),
        "web_ports_taken": draft.web_ports_taken,
        "started": draft.started.value,
        "sent_to": draft.sent_to,
        "sent_id": draft.sent_id,
    }


def _read(values: dict[str, Any]) -> Draft:
    if values["version"] != VERSION:
        raise ValueError("it is of another version of mox")
    network = values["network"]
    ips, outside = (tuple(map(ipaddress.ip_address, network.get(name, ()))) for name in ("ips", "outside"))
    return Draft(
        options=parse_options(values["answers"]) if values["answers"] else None,
        network=Network(hostname=str(network["hostname"]), ips=ips, outside=outside),
        admin_hash=str(values["admin_hash"]),
        material=_read_material(values["material"]) if values["material"] else None,
        passed=frozenset(Step(step) for step in values["passed"]),
        web_ports_taken=bool(values["web_ports_taken"]),
        started=Started(values["started"]),
        sent_to=str(values["sent_to"]),
        sent_id=str(values["sent_id"]),
    )


def _write_material(material: Material) -> dict[str, Any]:
    return {
        "made": material.made,
        "domain": material.domain.ascii,
        "names": list(material.names),
        "keys": [{"selector": key.selector, "path": key.path, "pem": key.pem.decode()} for key in material.keys],
        "certificate": material.certificate.certificate.decode(),
        "key": material.certificate.key.decode(),
    }


def _read_material(values: dict[str, Any]) -> Material:
    keys = [DkimKey(selector=key["selector"], path=key["path"], pem=key["pem"].encode()) for key in values["keys"]]
    certificate = SelfSigned(values["certificate"].encode(), values["key"].encode())
    return Material(
        made=float(values["made"]),
        domain=Domain(str(values["domain"])),
        keys=tuple(keys),
        names=[str(name) for name in values["names"]],
        certificate=certificate,
    )
