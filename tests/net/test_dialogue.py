"""The record of a conversation: what is in it, and that nobody can make it grow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.net.dialogue import MAX_BYTES, Dialogue


def test_lines_say_who_spoke_and_when():
    times = iter([10.0, 10.0, 10.5, 11.25])
    dialogue = Dialogue(lambda: next(times))
    dialogue.note("connected")
    dialogue.hear("220 x")
    dialogue.say("EHLO y\r\n")
    assert dialogue.text() == "   0.00 *  connected\n   0.50 S: 220 x\n   1.25 C: EHLO y\n"


def test_pipelined_commands_have_a_line_each():
    dialogue = Dialogue(lambda: 0.0)
    dialogue.say("MAIL FROM:<>\r\nDATA\r\n")
    assert [line[8:] for line in dialogue.text().splitlines()] == ["C: MAIL FROM:<>", "C: DATA"]


@given(st.lists(st.text(alphabet=st.characters(), max_size=1000).map(lambda text: text * 9), max_size=60))
def test_it_is_bounded_and_plain_text(heard):
    dialogue = Dialogue()
    for text in heard:
        dialogue.hear(text)
    text = dialogue.text()
    assert len(text.encode()) <= MAX_BYTES
    assert all(line.isprintable() or line.strip() for line in text.split("\n")[:-1])
    assert "\r" not in text


def test_beginning_and_end_of_a_long_one_are_kept():
    dialogue = Dialogue(lambda: 0.0)
    for number in range(10_000):
        dialogue.hear(f"250-{number}")
    lines = dialogue.text().splitlines()
    assert lines[0].endswith("S: 250-0")
    assert lines[-1].endswith("S: 250-9999")
    (gap,) = [line for line in lines if "left out" in line]
    assert int(gap.split()[1]) == 10_000 - (len(lines) - 1)


def test_what_was_said_before_comes_first():
    earlier, later = Dialogue(lambda: 0.0), Dialogue(lambda: 0.0)
    earlier.hear("220 x")
    later.absorb(earlier)
    later.say("QUIT\r\n")
    assert [line[8:] for line in later.text().splitlines()] == ["S: 220 x", "C: QUIT"]
