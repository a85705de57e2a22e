"""Settings declared as fields of frozen dataclasses, and the shape that reading, writing and describing follow.

    @settings
    class Smtp:
        enabled: bool = required("Accept mail on this listener.")
        port: int = optional("Port to listen on.", default=25)

A field's sconf name is its Python name in CamelCase, unless given. Types: str, bool, int, float, Seconds, Domain,
IPAddress, IPNetwork, Regexp, an Enum of strings, `tuple[X, ...]` for a list, `Mapping[K, V]` for a map, another
declaration for a struct, and `X | None` for what may be absent.

An optional field that is left out has its default. As in mox an explicit zero (0, "") means the same, unless the field
is declared with `zero=True`.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import ipaddress
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NewType, TypeVar, cast, dataclass_transform

from app.config.regexp import Regexp, parse_regexp
from app.errors import SconfSyntaxError, WireError
from app.log import Level, UnknownLevel, parse_level
from app.wire import sconf
from app.wire.domain import Domain, parse_domain

Seconds = NewType("Seconds", float)
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")


def required(doc: str, *, name: str = "", secret: bool = False) -> Any:  # noqa: ANN401 - stands for the field's own type
    """A setting that must be given; a `secret` one is left out of representations."""
    return dataclasses.field(repr=not secret, metadata={"doc": doc, "name": name})


def optional(doc: str, *, default: Any, name: str = "", zero: bool = False) -> Any:  # noqa: ANN401
    """A setting that may be left out; `zero`: an explicit 0 is a value of its own and not the default."""
    metadata = {"doc": doc, "name": name, "zero": zero}
    if isinstance(default, Mapping):
        return dataclasses.field(default_factory=dict, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def optional_secret(doc: str, *, default: str) -> Any:  # noqa: ANN401
    """A text that may be left out, and is left out of representations."""
    return dataclasses.field(default=default, repr=False, metadata={"doc": doc, "name": ""})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(required, optional, optional_secret))
def settings(cls: type[T]) -> type[T]:
    """Declare a struct of settings."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One line's value: how it is read and written, its zero, and the word that describes it."""

    word: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    zero: Any
    is_text: bool = True  # an empty value is the zero value, not an error


@dataclass(frozen=True, slots=True)
class ListOf:
    """A block of `- element` lines."""

    element: Kind


@dataclass(frozen=True, slots=True)
class MapOf:
    """A block of `key: value` lines."""

    key: Scalar
    value: Kind


@dataclass(frozen=True, slots=True)
class Field:
    """One declared setting."""

    attribute: str
    name: str
    doc: str
    kind: Kind
    required: bool
    default: Any
    explicit_zero: bool
    nullable: bool
    secret: bool  # never shown


@dataclass(frozen=True, slots=True)
class Struct:
    """A block of `Name: value` lines with the names of a declaration."""

    type: type[Any]
    fields: tuple[Field, ...]

    def find(self, name: str) -> Field | None:
        """The field with that sconf name."""
        return next((field for field in self.fields if field.name == name), None)


Kind = Scalar | ListOf | MapOf | Struct


def _parse_ip(text: str) -> IPAddress:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise SconfSyntaxError(f"{text!r} is not an IP address") from None


def _parse_network(text: str) -> IPNetwork:
    """A network; an address stands for the network that is only it."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as err:
        hint = f"; write {ipaddress.ip_network(text, strict=False)}" if "host bits" in str(err) else ""
        raise SconfSyntaxError(f"{text!r} is not an IP address or network{hint}") from None


def _write_network(network: IPNetwork) -> str:
    return str(network if network.num_addresses > 1 else network.network_address)


def _parse_log_level(text: str) -> Level:
    try:
        return parse_level(text)
    except UnknownLevel as err:
        raise SconfSyntaxError(str(err)) from None


def _parse_setting_domain(text: str) -> Domain:
    try:
        return parse_domain(text)
    except WireError as err:
        raise SconfSyntaxError(f"{text!r} is not a domain name: {err.message}") from None


_TEXT = Scalar("text", str, str, "")
_SCALARS: dict[Any, Scalar] = {
    str: _TEXT,
    bool: Scalar("true or false", sconf.parse_bool, lambda value: "true" if value else "false", False, False),
    int: Scalar("number", sconf.parse_integer, str, 0, False),
    float: Scalar("decimal number", sconf.parse_float, sconf.write_float, 0.0, False),
    Seconds: Scalar("duration", sconf.parse_duration, sconf.write_duration, 0.0, False),
    Domain: Scalar("domain name", _parse_setting_domain, lambda value: value.unicode, Domain("invalid")),
    IPAddress: Scalar("IP address", _parse_ip, str, ipaddress.IPv4Address(0)),
    IPNetwork: Scalar("IP address or network", _parse_network, _write_network, ipaddress.IPv4Network(0)),
    Regexp: Scalar("regular expression", parse_regexp, lambda value: value.text, Regexp("")),
    Level: Scalar("log level", _parse_log_level, lambda value: value.name.lower(), Level.INFO),
}


def _choice(choices: type[enum.Enum]) -> Scalar:
    words = [choice.value for choice in choices]

    def parse(text: str) -> enum.Enum:
        if text not in words:
            raise SconfSyntaxError(f"{text!r} must be one of: {' '.join(words)}")
        return choices(text)

    return Scalar(f"one of: {' '.join(words)}", parse, lambda value: str(value.value), next(iter(choices)))


def _kind_of(hint: Any) -> Kind:  # noqa: ANN401 - a type hint
    if scalar := _SCALARS.get(hint):
        return scalar
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return ListOf(_kind_of(arguments[0]))
    if origin is Mapping:
        key = _kind_of(arguments[0])
        assert isinstance(key, Scalar)
        return MapOf(key, _kind_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choice(hint)
    return struct_of(hint)


def _without_none(hint: Any) -> tuple[Any, bool]:  # noqa: ANN401
    if typing.get_origin(hint) not in {types.UnionType, typing.Union} or type(None) not in typing.get_args(hint):
        return hint, False
    rest = [choice for choice in typing.get_args(hint) if choice is not type(None)]
    return functools.reduce(lambda left, right: left | right, rest), True


def _sconf_name(attribute: str) -> str:
    return "".join(word.capitalize() for word in attribute.split("_"))


def _default_of(field: dataclasses.Field[Any]) -> Any:  # noqa: ANN401
    return {} if field.default_factory is not dataclasses.MISSING else field.default


def struct_of(declaration: type[Any]) -> Struct:
    """The shape of a declaration."""
    return _struct_of(cast("Hashable", declaration))


@functools.cache
def _struct_of(declaration: Any) -> Struct:  # noqa: ANN401 - a declared class
    hints = typing.get_type_hints(declaration)
    fields = []
    for field in dataclasses.fields(declaration):
        hint, nullable = _without_none(hints[field.name])
        fields.append(
            Field(
                attribute=field.name,
                name=field.metadata["name"] or _sconf_name(field.name),
                doc=field.metadata["doc"],
                kind=_kind_of(hint),
                required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
                default=_default_of(field),
                explicit_zero=field.metadata.get("zero", False),
                nullable=nullable,
                secret=not field.repr,
            )
        )
    return Struct(declaration, tuple(fields))


def zero(kind: Kind) -> Any:  # noqa: ANN401 - a value of the kind
    """The value of `nil`, and of a setting that is required and broken: all zero, optional fields at their defaults."""
    if isinstance(kind, Scalar):
        return kind.zero
    if isinstance(kind, ListOf):
        return ()
    if isinstance(kind, MapOf):
        return {}
    return kind.type(**{field.attribute: zero(field.kind) for field in kind.fields if field.required})


def is_default(field: Field, value: object) -> bool:
    """Whether an optional field need not be written."""
    if field.required:
        return False
    if value is None or value == field.default:
        return True
    if isinstance(field.kind, ListOf | MapOf):
        return not value
    # mox cannot tell an optional struct of zeros from an absent one, and so neither is written
    return isinstance(field.kind, Struct) and is_all_default(field.kind, value)


def is_all_default(struct: Struct, value: object) -> bool:
    """Whether nothing of a struct would be written; a map then has `nil` in its place."""
    return all(is_default(field, getattr(value, field.attribute)) for field in struct.fields)
