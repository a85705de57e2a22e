"""The alert rules name only metrics, labels and words that the program has."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client import REGISTRY

import app
from app.assets import read_text
from app.cli.alerts import RULES
from app.cli.main import main
from app.operations.status.finding import Subject
from app.smtpserver.verdict import Reason
from app.store.queuerecords import Ending

_SELECTOR = re.compile(r"\b(mox_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_COMMON = {"le"}


def rules() -> list[dict[str, object]]:
    (group,) = yaml.safe_load(read_text(RULES))["groups"]
    return list(group["rules"])


@pytest.fixture(scope="module")
def samples() -> dict[str, set[str]]:
    """The labels of every sample that the whole program may have, by name."""
    for one in pkgutil.walk_packages(app.__path__, "app."):
        if one.name != "app.bootstrap":
            importlib.import_module(one.name)
    return dict(_samples())


def _samples() -> Iterator[tuple[str, set[str]]]:
    for collector in list(REGISTRY._collector_to_names):
        labels = set(getattr(collector, "_labelnames", ()))
        for name in REGISTRY._collector_to_names[collector]:
            yield name, labels


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_names_metrics_and_labels_that_exist(rule: dict[str, object], samples: dict[str, set[str]]) -> None:
    found = _SELECTOR.findall(str(rule["expr"]))
    assert found or "up{" in str(rule["expr"])
    known: set[str] = set()
    for name, matchers in found:
        assert name in samples, name
        known |= samples[name]
        assert {label for label, _ in _MATCHER.findall(matchers)} <= samples[name] | _COMMON
    annotations = str(rule["annotations"])
    assert set(re.findall(r"\$labels\.(\w+)", annotations)) <= known
    assert str(rule["alert"]).startswith("mox-")
    assert rule["labels"] in ({"severity": "act"}, {"severity": "look"})


def test_words_in_the_rules_are_those_that_the_program_counts_with() -> None:
    text = read_text(RULES)
    assert set(re.findall(r'reason="([^"]+)"', text)) <= {one.value for one in Reason}
    assert "deferred" in {one.name.lower() for one in Ending}
    assert all(one.value for one in Subject)


def test_the_command_prints_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "alerts"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(read_text(RULES))
