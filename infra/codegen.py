"""Generate what must agree with the wire protocol: ``python -m infra.codegen [--check]``.

From ``chalicelib/protocol.py`` and ``chalicelib/limits.py`` come

* ``frontend/src/protocol.ts``: the site's types, the reply of each command, the limits;
* ``docs/asyncapi.yaml``: the same for everybody else, as AsyncAPI 3.0.

With ``--check`` nothing is written: a stale file is named and the exit code is 1.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from textwrap import dedent
from types import NoneType, UnionType
from typing import Any, get_args

import msgspec
from msgspec import inspect as shapes

from chalicelib import limits, protocol

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m infra.codegen"

Json = dict[str, Any]
StructType = type[msgspec.Struct]


def members(union: Any) -> list[StructType]:
    """The classes of a union, in the order in which they are written."""
    if not isinstance(union, UnionType):
        raise TypeError(f"not a union: {union!r}")
    return [kind for kind in get_args(union) if kind is not NoneType]


COMMANDS: list[StructType] = members(protocol.AnyCommand)
EVENTS: list[StructType] = members(protocol.AnyEvent)
REPLIES: list[StructType] = list(dict.fromkeys(protocol.REPLIES.values()))
FRAMES: list[StructType] = [*COMMANDS, *REPLIES, protocol.ErrorReply, *EVENTS]


def summary(cls: type) -> str:
    """A class's own docstring; not an inherited one, and not the one that Enum makes up."""
    doc = cls.__dict__.get("__doc__")
    return inspect.cleandoc(doc) if isinstance(doc, str) else ""


def tag_of(cls: StructType) -> str:
    """What a frame of that class has as its ``type``."""
    tag = cls.__struct_config__.tag
    if not isinstance(tag, str):
        raise TypeError(f"{cls.__name__} has no type tag")
    return tag


def comments(cls: type) -> dict[str, str]:
    """The ``#:`` comments above the fields of a class (and of its parents)."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ != protocol.__name__:
            continue
        source = dedent(inspect.getsource(base))
        lines = source.splitlines()
        tree = ast.parse(source).body[0]
        if not isinstance(tree, ast.ClassDef):
            continue
        for node in tree.body:
            name = field_name(node)
            above: list[str] = []
            row = node.lineno - 2
            while row >= 0 and lines[row].strip().startswith("#:"):
                above.insert(0, lines[row].strip()[2:].strip())
                row -= 1
            if name and above:
                found[name] = " ".join(above)
    return found


def field_name(node: ast.stmt) -> str:
    """The name that a statement of a class body defines, if it is a field."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return ""


# --- TypeScript ---------------------------------------------------------------------------


def ts_type(kind: shapes.Type) -> str:
    """How TypeScript spells a type."""
    match kind:
        case shapes.StrType():
            return "string"
        case shapes.IntType() | shapes.FloatType():
            return "number"
        case shapes.BoolType():
            return "boolean"
        case shapes.NoneType():
            return "null"
        case shapes.ListType(item_type=item):
            inner = ts_type(item)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case shapes.DictType(value_type=value):
            return f"Record<string, {ts_type(value)}>"
        case shapes.StructType(cls=cls) | shapes.EnumType(cls=cls):
            return cls.__name__
        case shapes.UnionType(types=types):
            return " | ".join(ts_type(each) for each in types)
        case _:
            raise TypeError(f"no TypeScript for {kind!r}")


def ts_doc(text: str, indent: str = "") -> list[str]:
    """A doc comment, on one line where it fits."""
    if not text:
        return []
    lines = text.splitlines()
    if len(lines) == 1:
        return [f"{indent}/** {lines[0]} */"]
    body = [f"{indent} * {line}".rstrip() for line in lines]
    return [f"{indent}/**", *body, f"{indent} */"]


def ts_interface(cls: StructType) -> list[str]:
    """A Struct as an interface; a field that may be left out is optional."""
    shape = shapes.type_info(cls)
    if not isinstance(shape, shapes.StructType):
        raise TypeError(f"not a struct: {cls!r}")
    notes = comments(cls)
    lines = [*ts_doc(summary(cls)), f"export interface {cls.__name__} {{"]
    if isinstance(shape.tag, str):
        lines.append(f"  type: '{shape.tag}';")
    for field in shape.fields:
        lines += ts_doc(notes.get(field.name, ""), "  ")
        optional = "" if field.required else "?"
        # A default of null is left out as well, so null never arrives.
        spelt = ts_type(field.type).removesuffix(" | null") if optional else ts_type(field.type)
        lines.append(f"  {field.encode_name}{optional}: {spelt};")
    return [*lines, "}", ""]


def ts_enum(cls: type[Enum]) -> list[str]:
    """A string enum as a tuple of its values and the union of them."""
    plural = f"{snake(cls.__name__)}S"
    values = [f"  '{each.value}'," for each in cls]
    return [
        f"export const {plural} = [",
        *values,
        "] as const;",
        *ts_doc(summary(cls)),
        f"export type {cls.__name__} = (typeof {plural})[number];",
        "",
    ]


def snake(name: str) -> str:
    """``ErrorCode`` → ``ERROR_CODE``."""
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


def ts_union(name: str, classes: Iterable[StructType], doc: str) -> list[str]:
    """A union of interfaces."""
    return [
        *ts_doc(doc),
        f"export type {name} =",
        "\n".join(f"  | {cls.__name__}" for cls in classes) + ";",
        "",
    ]


def referenced(classes: Iterable[StructType]) -> tuple[list[StructType], list[type[Enum]]]:
    """The structs and enums that fields of these classes are made of, once each."""
    structs: dict[StructType, None] = {}
    seen: set[StructType] = set()
    enums: dict[type[Enum], None] = {}

    def visit(kind: shapes.Type) -> None:
        match kind:
            case shapes.StructType(cls=cls, fields=fields):
                if cls in seen:  # also while it is being visited: a struct can hold its like
                    return
                seen.add(cls)
                for field in fields:
                    visit(field.type)
                structs[cls] = None
            case shapes.EnumType(cls=cls):
                enums[cls] = None
            case shapes.ListType(item_type=item):
                visit(item)
            case shapes.DictType(value_type=value):
                visit(value)
            case shapes.UnionType(types=types):
                for each in types:
                    visit(each)
            case _:
                pass

    roots = list(classes)
    for root in roots:
        visit(shapes.type_info(root))
    return [cls for cls in structs if cls not in roots], list(enums)


def typescript() -> str:
    """The text of ``frontend/src/protocol.ts``."""
    structs, enums = referenced(FRAMES)
    lines = [
        f"// Generated by `{COMMAND}` from chalicelib/protocol.py and chalicelib/limits.py.",
        "// Do not edit: change those and generate again.",
        "",
        "// --- Limits",
        "",
    ]
    for name, value in vars(limits).items():
        if name.isupper():
            spelt = f"{list(value)} as const" if isinstance(value, tuple) else value
            lines.append(f"export const {name} = {spelt};")
    lines += [
        "",
        "// --- What frames are made of",
        "",
        *ts_doc("A person in the text of a chat; the source of a regular expression."),
        f"export const MENTION_PATTERN = '{protocol.MENTION_PATTERN}';",
        "",
    ]
    for enum in enums:
        lines += ts_enum(enum)
    for struct in structs:
        lines += ts_interface(struct)
    lines += ["// --- Commands: client to server", ""]
    for cls in COMMANDS:
        lines += ts_interface(cls)
    lines += ["// --- Replies: server to client, one per command", ""]
    answers: list[StructType] = [*REPLIES, protocol.ErrorReply]
    for cls in answers:
        lines += ts_interface(cls)
    lines += ["// --- Events: server to client, unasked", ""]
    for cls in EVENTS:
        lines += ts_interface(cls)
    lines += ["// --- Unions and maps", ""]
    lines += ["/** Each command, by its type. */", "export interface Commands {"]
    lines += [f"  '{tag_of(cls)}': {cls.__name__};" for cls in COMMANDS]
    lines += ["}", "", "/** Which reply answers which command. */", "export interface Replies {"]
    for command, reply in protocol.REPLIES.items():
        lines.append(f"  '{tag_of(command)}': {reply.__name__};")
    lines += ["}", "", "export type CommandType = keyof Commands;", ""]
    lines += ts_union("AnyCommand", COMMANDS, "Everything that a client sends.")
    lines += ts_union("AnyReply", REPLIES, "Everything that answers a command, but errors.")
    lines += ts_union("AnyEvent", EVENTS, "Everything that comes unasked.")
    return "\n".join(lines).rstrip() + "\n"


# --- AsyncAPI -----------------------------------------------------------------------------


def reference(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def prose(text: str) -> str:
    """Paragraphs without their line breaks, which mean nothing outside the source."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def tidy_text(key: str, text: str) -> str:
    """A string of a schema; JSON Schema's ``$`` has no need of Python's lookahead."""
    if key == "pattern":
        return text.replace(r"(?!\n)", "")
    return prose(text) if key == "description" else text


def tidy(node: Any) -> Any:
    """Schemas as other languages want them."""
    if isinstance(node, dict):
        return {
            key: tidy_text(key, value) if isinstance(value, str) else tidy(value)
            for key, value in node.items()
        }
    if isinstance(node, list | tuple):
        return [tidy(each) for each in node]
    return node


def component_schemas(classes: list[StructType]) -> Json:
    """The JSON schemas of the classes and of all they are made of, with field comments."""
    _, schemas = msgspec.json.schema_components(classes, ref_template="#/components/schemas/{name}")
    structs, _ = referenced(classes)
    for cls in [*classes, *structs]:
        properties: Json = schemas[cls.__name__].get("properties", {})
        for name, note in comments(cls).items():
            if name in properties:
                old = properties[name]
                # Beside a $ref, AsyncAPI's schemas would ignore a description.
                properties[name] = (
                    {"allOf": [old], "description": note}
                    if "$ref" in old
                    else {**old, "description": note}
                )
    cleaned: Json = tidy(dict(sorted(schemas.items())))
    return cleaned


def message(cls: StructType) -> Json:
    """A frame as a message component."""
    found: Json = {"name": tag_of(cls), "title": cls.__name__}
    if summary(cls):
        found["summary"] = prose(summary(cls))
    return {
        **found,
        "contentType": "application/json",
        "payload": reference("schemas", cls.__name__),
    }


def channel_message(cls: StructType) -> Json:
    """A reference to a message, from an operation."""
    return {"$ref": f"#/channels/chat/messages/{cls.__name__}"}


def operations() -> Json:
    """What the server receives (and answers), and what it sends unasked."""
    found: Json = {}
    for command, reply in protocol.REPLIES.items():
        found[command.__name__] = {
            "action": "receive",
            "channel": {"$ref": "#/channels/chat"},
            "summary": prose(summary(command)),
            "messages": [channel_message(command)],
            "reply": {
                "channel": {"$ref": "#/channels/chat"},
                "messages": [channel_message(reply), channel_message(protocol.ErrorReply)],
            },
        }
    for event in EVENTS:
        found[event.__name__] = {
            "action": "send",
            "channel": {"$ref": "#/channels/chat"},
            "summary": prose(summary(event)),
            "messages": [channel_message(event)],
        }
    return found


def asyncapi() -> str:
    """The text of ``docs/asyncapi.yaml``."""
    _, enums = referenced(FRAMES)
    schemas = component_schemas(FRAMES)
    for enum in enums:
        if summary(enum):
            schemas[enum.__name__]["description"] = prose(summary(enum))
    document: Json = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ping-Pong",
            "version": "1.0.0",
            "description": prose(inspect.cleandoc(protocol.__doc__ or "")),
        },
        "defaultContentType": "application/json",
        "servers": {
            "site": {
                "host": "{host}",
                "pathname": "/ws",
                "protocol": "wss",
                "description": "The site's own origin; the handshake needs its session cookie.",
                "variables": {"host": {"default": "localhost:8000"}},
            }
        },
        "channels": {
            "chat": {
                "address": "/",
                "description": "Text frames of JSON, in both directions.",
                "messages": {cls.__name__: reference("messages", cls.__name__) for cls in FRAMES},
            }
        },
        "operations": operations(),
        "components": {
            "messages": {cls.__name__: message(cls) for cls in FRAMES},
            "schemas": schemas,
        },
    }
    head = f"# Generated by `{COMMAND}` from chalicelib/protocol.py. Do not edit.\n"
    return head + msgspec.yaml.encode(document).decode()


# --- Command line -------------------------------------------------------------------------


def outputs() -> Mapping[Path, str]:
    """Every generated file and what it should hold."""
    return {
        ROOT / "frontend" / "src" / "protocol.ts": typescript(),
        ROOT / "docs" / "asyncapi.yaml": asyncapi(),
    }


def stale_files() -> list[Path]:
    """Generated files that do not hold what they should."""
    return [
        path
        for path, text in outputs().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` say which are stale."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=summary_line(__doc__))
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    options = parser.parse_args(arguments)
    if options.check:
        stale = stale_files()
        for path in stale:
            print(f"stale: {path.relative_to(ROOT)} (run `{COMMAND}`)", file=sys.stderr)
        return 1 if stale else 0
    for path, text in outputs().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


def summary_line(doc: str | None) -> str:
    """The first line of a docstring."""
    return (doc or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
