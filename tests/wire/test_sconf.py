"""The sconf format: faults with their lines, the same bytes back, edits that touch nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SconfSyntaxError
from app.wire import sconf
from app.wire.sconf import Fault, Line

SAMPLE = b"""\
# head

Accounts:
\t# people
\tjane:
\t\tDomain: example.org

\t\t# a note at the end of jane

\t# about joe
\tjoe: nil

# tail
"""


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"# only\n",
        SAMPLE,
        SAMPLE.rstrip(b"\n"),
        b"A: 1\r\nB: \xc3\xa9\n",
        b"A:\n\t- x\n\t-\n\t\tB:  two spaces \n",
    ],
)
def test_what_was_read_is_written_back_byte_for_byte(data: bytes) -> None:
    document = sconf.parse(data)
    assert not document.faults
    assert sconf.write(document) == data


@given(st.text(alphabet="\t\n #-:ab", max_size=60).map(str.encode))
def test_any_text_is_read_without_exception_and_written_back_unless_faulty(data: bytes) -> None:
    document = sconf.parse(data)
    if not document.faults:
        assert sconf.write(document) == data


def test_lines_know_their_number_and_block() -> None:
    accounts = sconf.parse(SAMPLE).lines[0]
    assert (accounts.text, accounts.number, texts(accounts.children)) == ("Accounts:", 3, ["jane:", "joe: nil"])
    assert accounts.children[0].children[0].number == 6


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"A: 1\n  \n", Fault(2, "a line of only spaces or tabs; make it empty")),
        (b"A:\n  B: 1\n", Fault(2, "indent with tabs, one for each level, not with spaces")),
        (b"A:\n\t\tB: 1\n", Fault(2, "too much indent; a block is one tab deeper than the line above it")),
        (b"\tA: 1\n", Fault(1, "too much indent; a block is one tab deeper than the line above it")),
        (b"A: 1\nB: \xff\n", Fault(2, "not UTF-8 text; save the file as UTF-8")),
    ],
)
def test_a_fault_has_its_line(data: bytes, fault: Fault) -> None:
    assert sconf.parse(data).faults == [fault]


def test_every_fault_is_reported() -> None:
    assert [fault.line for fault in sconf.parse(b" A: 1\n\t \nB: 2\n\t\tC: 3\n").faults] == [1, 2, 4]


def test_depth_is_bounded() -> None:
    data = b"".join(b"\t" * level + b"A:\n" for level in range(2000))
    assert sconf.parse(data).faults


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("A: b", "A", "b"),
        ("A:", "A", ""),
        ("A: ", "A", ""),
        ("A:  b: # c ", "A", " b: # c "),
        ("@x y: nil", "@x y", "nil"),
    ],
)
def test_the_first_colon_ends_the_name_and_one_space_is_dropped(text: str, name: str, value: str) -> None:
    assert sconf.split_entry(text) == sconf.Entry(name, value)


@pytest.mark.parametrize("text", ["A", "A:b", ": b", "- b"])
def test_bad_entries_are_refused(text: str) -> None:
    with pytest.raises(SconfSyntaxError):
        sconf.split_entry(text)


def test_elements_start_with_a_dash() -> None:
    assert [sconf.split_element(text) for text in ("-", "- ", "- a", "-  a")] == ["", "", "a", " a"]
    for text in ("a", "-a"):
        with pytest.raises(SconfSyntaxError):
            sconf.split_element(text)


def test_removal_takes_the_comment_above_and_leaves_all_others() -> None:
    document = sconf.parse(SAMPLE)
    sconf.remove(document, document.lines[0].children, 1)
    assert sconf.write(document) == SAMPLE.replace(b"\t# about joe\n\tjoe: nil\n", b"")
    document = sconf.parse(SAMPLE)
    sconf.remove(document, document.lines[0].children, 0)
    assert sconf.write(document) == SAMPLE.replace(b"\t# people\n\tjane:\n\t\tDomain: example.org\n", b"")


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [
        ("0", 0, "0s"),
        ("72h", 259200, "72h0m0s"),
        ("24h0m0s", 86400, "24h0m0s"),
        ("1h30m", 5400, "1h30m0s"),
        ("1.5h", 5400, "1h30m0s"),
        ("15s", 15, "15s"),
        ("90s", 90, "1m30s"),
        ("500ms", 0.5, "500ms"),
        ("1.5s", 1.5, "1.5s"),
        ("1us", 1e-6, "1µs"),
        ("20ns", 2e-8, "20ns"),
        ("-1m", -60, "-1m0s"),
        (".5s", 0.5, "500ms"),
    ],
)
def test_durations_are_those_of_go(text: str, seconds: float, written: str) -> None:
    assert sconf.parse_duration(text) == pytest.approx(seconds)
    assert sconf.write_duration(sconf.parse_duration(text)) == written


@pytest.mark.parametrize("text", ["", "5", "h", "1d", "1h ", "1 h", "1h-1m", ".s", "1e3s", "9" * 30 + "h"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(SconfSyntaxError):
        sconf.parse_duration(text)


@given(st.integers(min_value=0, max_value=10**15))
def test_durations_survive_writing(microseconds: int) -> None:
    seconds = microseconds / 1e6
    assert sconf.parse_duration(sconf.write_duration(seconds)) == seconds


def test_numbers() -> None:
    assert (sconf.parse_integer("-7"), sconf.parse_integer("+007")) == (-7, 7)
    assert (sconf.parse_float(".5"), sconf.write_float(0.95), sconf.write_float(1e-9)) == (0.5, "0.950000", "1e-09")
    assert (sconf.parse_bool("true"), sconf.parse_bool("false")) == (True, False)
    for parse, text in (
        (sconf.parse_integer, "0x1"),
        (sconf.parse_integer, "9223372036854775808"),
        (sconf.parse_integer, "1_0"),
        (sconf.parse_float, "nan"),
        (sconf.parse_float, "1e999"),
        (sconf.parse_bool, "True"),
        (sconf.parse_bool, "yes"),
    ):
        with pytest.raises(SconfSyntaxError):
            parse(text)
