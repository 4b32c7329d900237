"""JSON documents: strict reading, and writing in one canonical form.

What a reader could misunderstand is refused: a member given twice, or under a name that differs
from a known one in case only (Go takes both for the same). Members that fastlayer does not know
are kept: a struct with a field `unknown` holds them, in their order, and they are written again
after the known ones.
"""

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar, cast

import msgspec
from msgspec import inspect

from fastlayer.digest import Digest
from fastlayer.errors import InvalidArgumentError, InvalidImageError, quoted

__all__ = ["MAX_DOCUMENT_DEPTH", "MAX_DOCUMENT_SIZE", "REQUIRED", "decode", "encode"]

T = TypeVar("T")

MAX_DOCUMENT_SIZE: Final = 4 << 20
"""Bytes of the largest document that is read: registries need not accept more either."""

MAX_DOCUMENT_DEPTH: Final = 64
"""Arrays and objects inside one another: real documents have five."""

REQUIRED: Final = msgspec.Meta(extra={"required": True})
"""Marks a field that has a default value and yet must be stated by every document."""

# One without an end goes to the end: looked for again from each quote inside, it would take hours.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")

# Numbers of unknown members are read as `Decimal`, so that none loses a digit.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class _RefusedError(Exception):
    """Why a document is refused; `decode` adds which document."""


class _Member(NamedTuple):
    """One known member of a document."""

    field: str
    required: bool
    struct: type[msgspec.Struct] | None  # what it holds, or an array of that


class _Shape(NamedTuple):
    """How a struct looks in JSON."""

    members: dict[str, _Member]  # by name, in the order they are written
    folded: dict[str, str]  # the same names by their folded form: Go ignores case
    unknown: str | None  # the name under which `msgspec` takes the other members


def decode(content: bytes, type_: type[T], *, what: str) -> T:
    """Read `content`, a `type_` (a struct or a list of structs); messages call it `what`.

    A `null` for an optional member counts as absent.

    Raises `InvalidImageError` with `what` and the JSON path of the fault if the content is larger
    than `MAX_DOCUMENT_SIZE`, is not strict JSON in UTF-8, or does not fit the type.
    """
    try:
        tree = _prepare(_parse(content), _struct_in(inspect.type_info(type_)), "$")
        return msgspec.convert(tree, type_, dec_hook=_convert)
    except (_RefusedError, msgspec.ValidationError) as error:
        # "Expected `int`, got `str` - at `$.size`" becomes the end of a sentence.
        reason = str(error).replace(" - at ", " at ")
        raise InvalidImageError(f"{what}: {reason[:1].lower()}{reason[1:]}") from error


def encode(document: msgspec.Struct | Sequence[msgspec.Struct]) -> bytes:
    """Write `document` as compact JSON in UTF-8.

    Known members come in the order of Go's structs, the keys of maps in byte order, as Go writes
    them; then unknown members as they were read. Optional members that are empty are left out.

    Raises `InvalidArgumentError` if a text in it cannot be written as UTF-8.
    """
    try:
        return _ENCODER.encode(_plain(document))
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{quoted(error.object)} is not valid Unicode") from error


def _parse(content: bytes) -> object:
    """Read `content` as JSON, refusing what parsers do not agree on."""
    if len(content) > MAX_DOCUMENT_SIZE:
        raise _RefusedError(f"larger than the limit of {MAX_DOCUMENT_SIZE} bytes")
    _check_depth(content)
    if content.startswith(codecs.BOM_UTF8):
        raise _RefusedError("not JSON: it begins with a byte order mark")
    try:
        tree: object = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
        )
        _ENCODER.encode(tree)  # fails for half a surrogate pair, which could not be written again
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise _RefusedError(
            f"not JSON: {what} in line {error.lineno}, column {error.colno}"
        ) from error
    except UnicodeError as error:
        raise _RefusedError("not valid UTF-8") from error
    except (InvalidOperation, ValueError) as error:
        raise _RefusedError("a number is out of range") from error
    return tree


def _check_depth(content: bytes) -> None:
    """Refuse deep nesting before a recursive parser meets it."""
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", content)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DOCUMENT_DEPTH:
            raise _RefusedError(f"nested deeper than the limit of {MAX_DOCUMENT_DEPTH}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _RefusedError(f"the member {quoted(name)} is given twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> None:
    raise _RefusedError(f"not JSON: {quoted(name)}")


def _prepare(value: Any, struct: type[msgspec.Struct] | None, path: str) -> Any:
    """Bring `value`, a `struct` or a list of them, into the form that `msgspec.convert` takes.

    The `null`s of optional members are dropped and unknown members gathered under the name of
    the field that holds them.
    """
    if struct is None:
        return value
    if isinstance(value, list):
        return [_prepare(item, struct, f"{path}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value  # of the wrong type, as `convert` will say
    shape = _shape(struct)
    ready: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            _check_case(name, shape, path)
            unknown[name] = item
        elif item is not None or member.required:
            ready[name] = _prepare(item, member.struct, f"{path}.{name}")
    for name, member in shape.members.items():
        if member.required and name not in ready:
            raise _RefusedError(f"object missing required field `{name}` at `{path}`")
    return ready if shape.unknown is None else ready | {shape.unknown: unknown}


def _check_case(name: str, shape: _Shape, path: str) -> None:
    if known := shape.folded.get(name.casefold()):
        raise _RefusedError(
            f"the member {quoted(name)} differs from `{known}` in case only at `{path}`"
        )


def _convert(type_: type[Any], value: Any) -> Any:
    """Read what `msgspec` does not know how to."""
    if issubclass(type_, Digest):
        return Digest.from_document(value)
    raise NotImplementedError(type_)


def _plain(value: Any) -> Any:
    """Bring `value` into the form that the encoder takes, members in their order."""
    if isinstance(value, msgspec.Struct):
        members = {
            name: _plain(item)
            for name, member in _shape(type(value)).members.items()
            # An object is written even if it is empty, as Go does: readers expect `"config":{}`.
            if (item := getattr(value, member.field)) or member.required or _is_struct(item)
        }
        return members | dict(getattr(value, "unknown", {}))
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _is_struct(value: object) -> bool:
    return isinstance(value, msgspec.Struct)


@cache
def _shape(struct: type[msgspec.Struct]) -> _Shape:
    fields = {field.name: field for field in _struct_info(struct).fields}
    holder = fields.pop("unknown", None)
    members = {
        fields[name].encode_name: _Member(
            name, _is_required(fields[name]), _struct_in(fields[name].type)
        )
        for name in getattr(struct, "member_order", fields)
    }
    folded = {name.casefold(): name for name in members}
    return _Shape(members, folded, holder.encode_name if holder else None)


def _struct_info(struct: type[msgspec.Struct]) -> inspect.StructType:
    return cast("inspect.StructType", inspect.type_info(struct))


def _is_required(field: inspect.Field) -> bool:
    marked = isinstance(field.type, inspect.Metadata) and field.type.extra == REQUIRED.extra
    return field.required or marked


def _struct_in(type_: inspect.Type) -> type[msgspec.Struct] | None:
    """Find the struct that a value of `type_` is, or is a list of."""
    match type_:
        case inspect.StructType(cls=struct):
            return struct
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return _struct_in(item)
        case inspect.UnionType(types=types):
            return next(filter(None, map(_struct_in, types)), None)
        case _:
            return None
