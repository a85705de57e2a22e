"""Secrets of configuration files are not shown, and not lost by being shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.masking import MASK, NAMES, diff, mask, unmask
from app.errors import ConfigError

FILE = b"""Hostname: mx.example.com
Transports:
\trelay:
\t\tSubmissions:
\t\t\tHost: relay.example.net
\t\t\tAuth:
\t\t\t\tUsername: u
\t\t\t\tPassword: one secret: with # signs
\tother:
\t\tSMTP:
\t\t\tHost: other.example.net
\t\t\tAuth:
\t\t\t\tUsername: u
\t\t\t\t# Password: old secret
\t\t\t\tPassword: two secret
"""


def test_the_names_follow_from_the_declarations():
    assert {"Password", "Authorization"} == NAMES


def test_no_secret_is_shown_also_not_of_comments_and_wrong_files():
    for data in (FILE, FILE.replace(b"\t", b" "), FILE.replace(b"Transports:\n", b""), FILE.replace(b"\t", b"")):
        shown = mask(data)
        assert "secret" not in shown
        assert shown.count(MASK) == 3
        assert "Host: relay.example.net" in shown


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Hostname: mx.example.com", "# a comment\n\nHostname: mx2.example.com"),
        ("\tother:\n", "\tnew:\n\t\tDirect:\n\t\t\tDisableIPv4: true\n\tother:\n"),
        ("Username: u\n", "Username: v\n"),
    ],
)
def test_stars_that_stay_keep_the_value(old, new):
    edited = mask(FILE).replace(old, new)
    assert unmask(edited.encode(), FILE, "mox.conf") == FILE.replace(old.encode(), new.encode())


def test_a_new_value_takes_the_place_of_stars():
    edited = mask(FILE).replace(f"Password: {MASK}", "Password: fresh", 1)
    assert unmask(edited.encode(), FILE, "mox.conf") == FILE.replace(b"one secret: with # signs", b"fresh")


def test_stars_of_another_section_are_asked_for():
    with pytest.raises(ConfigError) as raised:
        unmask(mask(FILE).replace("\trelay:", "\trenamed:").encode(), FILE, "mox.conf")
    (problem,) = raised.value.problems
    assert (problem.file, problem.line, problem.path) == (
        "mox.conf",
        8,
        "Transports.renamed.Submissions.Auth.Password",
    )


def test_a_diff_says_that_a_secret_differs_and_not_which():
    lines = diff(FILE, FILE.replace(b"two secret", b"third secret"))
    assert [line.strip() for line in lines if line[0] in "+-"] == [
        f"-\t\t\t\tPassword: {MASK}",
        f"+\t\t\t\tPassword: {MASK} (another value)",
    ]
    assert diff(FILE, FILE) == []
    assert "secret" not in "\n".join(lines)


@given(st.binary(max_size=200) | st.text("\t #:-Password\n*A", max_size=80).map(str.encode))
def test_any_bytes_come_back_from_being_shown(data):
    shown = mask(data).encode("utf-8", "surrogateescape")
    assert unmask(shown, data, "mox.conf") == data


def test_a_long_line_costs_linear_work():
    for data in (b"\t" * 1_000_000, b"# " * 500_000, b"Password: " + b"a:" * 500_000, b"a" * 1_000_000):
        assert mask(data).count("\n") == 0
