"""The verdict of the filter on one message, with the words that decided, for other parts of the program and for people.

There is none from a filter with few samples: a new account is judged by other signs until its holder has shown what
junk is and what is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.junk.classifier import UNKNOWN, Count, Samples, score
from app.junk.features import Features

MAX_SHOWN: Final = 60  # characters of a word that are shown

_KINDS: Final = {
    "s": "subject: {}",
    "f": "from: {}",
    "r": "reply to: {}",
    "to": "to: {}",
    "h": "has the field {}",
    "u": "link: {}",
    "t": "HTML element {}",
    "tz": "time zone {}",
    "id": "message id like {}",
    "type": "has a part {}",
    "charset": "character set {}",
    "file": "attachment: {}",
    "colour": "colour {}",
    "hides": "hides text: {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A feature that decided: `share` above zero speaks for junk, and `probability` is its own, from the counts."""

    text: str
    share: float
    probability: float
    count: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class JunkVerdict:
    """How likely the message is junk, the words that said most, strongest first, and what that is learnt from."""

    probability: float
    words: tuple[Word, ...]
    samples: Samples

    def explained(self) -> str:
        """The words in one line for people."""
        return ", ".join(f"{word.text} ({word.probability:.0%})" for word in self.words)


def verdict_on(features: Features, known: Mapping[int, Count], samples: Samples) -> JunkVerdict:
    """The verdict on a message of which the filter knows these features."""
    scored = score(len(features.numbers), known, samples)
    top = scored.top()
    names = features.names(frozenset(top))
    words = tuple(
        Word(
            text=_shown(names.get(number, "")),
            share=scored.shares[number],
            probability=_probability(known.get(number, UNKNOWN), samples),
            count=known.get(number, UNKNOWN),
        )
        for number in top
    )
    return JunkVerdict(probability=scored.probability, words=words, samples=samples)


def _probability(count: Count, samples: Samples) -> float:
    """How likely a message with the feature is junk, were the classes equally large."""
    junk, wanted = count.junk / max(samples.junk, 1), count.wanted / max(samples.wanted, 1)
    return junk / (junk + wanted) if junk + wanted else 0.5


def _shown(name: str) -> str:
    """A feature for people: what strangers wrote, without characters that do anything."""
    if name.startswith("s:"):
        text = "subject: " + name[2:].replace(" s:", " ")
    else:
        kind, colon, rest = name.partition(":")
        pattern = _KINDS.get(kind) if colon else None
        text = pattern.format(rest) if pattern else f'"{name}"'
    return "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_SHOWN])
