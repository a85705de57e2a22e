import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.imap.respond.thread import thread_response
from app.wire.message.threading import Threadable, by_references, ordered_subject
from tests.support.growth import assert_linear


def message(number, name="", references="", subject="", **more):
    return Threadable(
        number=number,
        date=more.get("date", number),
        subject=subject,
        message_id=name or None,
        references=references.split(),
        is_reply=more.get("is_reply", False),
    )


def written(messages, algorithm=by_references):
    return thread_response(algorithm(messages), lambda number: number).decode().removeprefix("* THREAD").strip()


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        ([], ""),
        ([message(1, "a"), message(2, "b", "a"), message(3, "c", "a b")], "(1 2 3)"),
        ([message(1, "a"), message(2, "b", "a"), message(3, "c", "a")], "(1 (2)(3))"),
        ([message(1, "b", "gone"), message(2, "c", "gone")], "((1)(2))"),
        ([message(1, "b", "gone"), message(2, "c")], "(1)(2)"),
        # A place deep in the tree gives way to its children, whatever their number.
        ([message(1, "a"), message(2, "b", "a gone"), message(3, "c", "a gone")], "(1 (2)(3))"),
        # What a message says of its own parent wins over what others say.
        ([message(1, "a"), message(2, "b", "a"), message(3, "x"), message(4, "c", "x b")], "(1 2 4)(3)"),
        # A message without references takes a parent from those after it only (step 1.B).
        ([message(1, "b"), message(2, "a"), message(3, "c", "a b")], "(2 1 3)"),
        ([message(1, "c", "a b"), message(2, "b"), message(3, "a")], "(2 1)(3)"),
        # Loops and oneself.
        ([message(1, "a", "b"), message(2, "b", "a")], "(2 1)"),
        ([message(1, "a", "a")], "(1)"),
        # The second with one Message-ID is nobody's parent.
        ([message(1, "a"), message(2, "a"), message(3, "b", "a")], "(1 3)(2)"),
        # Subjects: a reply goes below, equals go side by side, missing tops are joined, empty ones never.
        ([message(1, subject="s"), message(2, subject="S", is_reply=True)], "(1 2)"),
        ([message(1, subject="s", is_reply=True), message(2, subject="s")], "(2 1)"),
        ([message(1, subject="s"), message(2, subject="s"), message(3, subject="s")], "((1)(2)(3))"),
        ([message(1), message(2)], "(1)(2)"),
        (
            [
                *(message(1, "b", "gone", "s"), message(2, "c", "gone", "s")),
                *(message(3, "d", "lost", "s"), message(4, "e", "lost", "s"), message(5, subject="s")),
            ],
            "((1)(2)(3)(4)(5))",
        ),
        # Siblings and threads stand by date, then by number.
        ([message(1, "a", date=9), message(2, "c", "a", date=8), message(3, "b", "a", date=7)], "(1 (3)(2))"),
        ([message(1, date=9), message(2, date=8), message(3, date=8)], "(2)(3)(1)"),
    ],
)
def test_references(messages, wanted):
    assert written(messages) == wanted


def test_ordered_subject_has_no_grandchildren_and_sorts_threads_by_their_first_message():
    messages = [message(1, subject="b", date=5), message(2, subject="a", date=4), message(3, subject="B", date=3)]
    messages += [message(4, subject="b", date=9), message(5, subject="a", date=6)]
    assert written(messages, ordered_subject) == "(3 (1)(4))(2 5)"


NAMES = st.sampled_from("abcdef")
MESSAGES = st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=4), st.integers(0, 3), st.booleans()), max_size=12)


@given(MESSAGES)
def test_every_message_is_in_exactly_one_thread(drawn):
    messages = [
        message(n, name, " ".join(refs), "s" * (n % 2), date=date, is_reply=is_reply)
        for n, (name, refs, date, is_reply) in enumerate(drawn, 1)
    ]
    numbers = written(messages).replace("(", " ").replace(")", " ").split()
    assert sorted(map(int, numbers)) == [m.number for m in messages]


def test_long_chains_and_wide_loops_are_linear():
    def thread(count: int) -> None:
        chain = [message(n, f"m{n}", f"m{(n + 1) % count}") for n in range(count)]
        ghosts = [message(count + n, f"g{n}", f"lost{n + 1} lost{n}") for n in range(count)]
        assert written(chain + ghosts).count("(") > 0

    assert_linear(thread, 2500)
