"""Parts by their IMAP number (RFC 9051 §6.4.5, RFC 3501 §6.4.5).

`1` of a message that is not multipart is its whole body. A multipart counts its children from 1. A message/rfc822 part
is one part; numbers behind its own number speak of the message it holds, whose body is part `1` when it is not
multipart. HEADER and TEXT of a part are those of the message it holds, MIME is the part's own header section.
"""

from __future__ import annotations

from app.wire.message.part import Part


def find_part(root: Part, numbers: tuple[int, ...]) -> Part | None:
    """The part of that number; the message itself for no numbers; None when there is none."""
    part = root
    message: Part | None = root  # the message whose body the next number counts in
    for number in numbers:
        container = message or part
        if 0 < number <= len(container.children):
            part = container.children[number - 1]
        elif number == 1 and message is not None and not message.children:
            part = message
        else:
            return None
        message = part.message
    return part


def message_of(root: Part, numbers: tuple[int, ...]) -> Part | None:
    """The message whose HEADER and TEXT a section means: the root, or the one in a message/rfc822 part."""
    if not numbers:
        return root
    part = find_part(root, numbers)
    return part.message if part else None
