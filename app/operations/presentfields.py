"""The settings of an account, domain, alias or address as texts by name, for forms.

    present_fields(account)["junk_filter.params.top_words"] == "10"

Names are the attributes of the declaration, those of a struct inside with a dot; a list is one line for each element; a
setting that is not there is an empty text. A form keeps what it showed and compares it with `present_fields` of what
is there when it comes back, so that it can say what somebody else changed meanwhile. Secrets are left out, and so are
maps of structs (Aliases, Destinations, Selectors), which have pages of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.config.schema import Kind, ListOf, MapOf, Scalar, Struct, struct_of

_ZERO_PARTS = re.compile(r"(?<=[hm])0[ms]")  # 1h0m0s reads as well as 1h


def present_fields(value: object) -> Mapping[str, str]:
    """The settings of a declared value."""
    return dict(_fields(struct_of(type(value)), value, ""))


def _fields(struct: Struct, value: Any, prefix: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any declaration
    for field in struct.fields:
        if field.secret:
            continue
        content = None if value is None else getattr(value, field.attribute)
        name = prefix + field.attribute
        if isinstance(field.kind, Struct):
            yield name, "yes" if content is not None else ""
            yield from _fields(field.kind, content, f"{name}.")
        elif not isinstance(field.kind, MapOf) or isinstance(field.kind.value, Scalar):
            yield name, _text(field.kind, content)


def _text(kind: Kind, value: Any) -> str:  # noqa: ANN401
    if value is None:
        return ""
    if isinstance(kind, ListOf):
        return "\n".join(_text(kind.element, element) for element in value)
    if isinstance(kind, MapOf):
        return "\n".join(f"{_text(kind.key, key)}: {_text(kind.value, content)}" for key, content in value.items())
    if isinstance(kind, Struct):
        inside = _fields(kind, value, "")
        return "; ".join(f"{name}={text}" for name, text in inside if text)
    assert isinstance(kind, Scalar)
    if isinstance(value, float) and kind.word != "duration":
        return f"{value:g}"
    text = str(kind.write(value))
    return _ZERO_PARTS.sub("", text) if kind.word == "duration" else text
