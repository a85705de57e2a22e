"""`rdap domainage`: asked of a registry on loopback."""

from __future__ import annotations

import datetime

import pytest

from app.cli import rdap
from app.cli.main import main
from quickstart.probes import registration
from tests.support.registry import Registry, events


def test_age_of_a_domain_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry() as registry:
        monkeypatch.setattr(registration, "RegistrationClient", lambda: registry.client)
        day = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=3)
        registry.pages["/rdap/domain/example.org"] = events(registration=day.isoformat())
        assert main(["rdap", "domainage", "www.example.org"]) == 0
        assert capsys.readouterr().out == f"registered 3 days ago, on {day}\n"
        assert main(["rdap", "domainage", "example.com"]) == 1
        assert "the age of example.com cannot be told: the registry of .com does not tell" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("born", "today", "told"),
    [
        ("2020-03-01", "2026-03-02", "6 years and 1 day"),
        ("2020-03-01", "2026-03-01", "6 years"),
        ("2020-03-01", "2021-02-28", "364 days"),
        ("2020-02-29", "2021-02-28", "365 days"),
        ("2020-02-29", "2021-03-01", "1 year and 1 day"),
        ("2026-01-01", "2025-01-01", "0 days"),
    ],
)
def test_age_is_in_years_and_days(born: str, today: str, told: str) -> None:
    assert rdap._age(datetime.date.fromisoformat(born), datetime.date.fromisoformat(today)) == told
