"""Settings against the JSON schema of the plugin, with words that name the field.

Of JSON schema it knows `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `minimum`, `maximum`, `minLength`,
`maxLength`, `minItems`, `maxItems` and `default`; `title`, `description`, `examples`, `format` and `$schema` are for readers.
"""

from typing import Any

from .plugin import ConfigError

_READERS = {"title", "description", "examples", "format", "$schema"}
_WORDS = _READERS | {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "default",
}
_TYPES = {
    "object": lambda it: isinstance(it, dict),
    "array": lambda it: isinstance(it, list),
    "string": lambda it: isinstance(it, str),
    "boolean": lambda it: isinstance(it, bool),
    "integer": lambda it: not isinstance(it, bool) and (isinstance(it, int) or isinstance(it, float) and it.is_integer()),
    "number": lambda it: isinstance(it, (int, float)) and not isinstance(it, bool),
    "null": lambda it: it is None,
}


def check_schema(schema: Any, field: str = "") -> None:
    """Raises ValueError for a schema with words that would not be heeded: better now than a rule that no one keeps."""
    if not isinstance(schema, dict):
        raise ValueError(f"the schema of the settings is no dict at {field or '/'}")
    unknown = sorted(set(schema) - _WORDS)
    if unknown:
        raise ValueError(f"the schema of the settings has words that the SDK does not know at {field or '/'}: {', '.join(unknown)}")
    named = schema.get("type")
    for kind in named if isinstance(named, list) else [named]:
        if kind is not None and kind not in _TYPES:
            raise ValueError(f"the schema of the settings has an unknown type at {field or '/'}: {kind}")
    for name, inner in schema.get("properties", {}).items():
        check_schema(inner, f"{field}/{_escaped(name)}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            check_schema(schema[word], f"{field}/{word}")


def checked(value: Any, schema: dict[str, Any], field: str = "") -> Any:
    """`value` with the defaults of `schema` put in. Raises ConfigError with a pointer to the first field that does not fit."""
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        raise ConfigError(field, f"must be {' or '.join(_article(kind) for kind in kinds)}")
    if "enum" in schema and not any(_same(value, it) for it in schema["enum"]):
        raise ConfigError(field, f"must be one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, dict):
        return _object(value, schema, field)
    if isinstance(value, list):
        _bounds(len(value), schema, "minItems", "maxItems", field, "elements")
        inner = schema.get("items", {})
        return [checked(it, inner, f"{field}/{index}") for index, it in enumerate(value)]
    if isinstance(value, str):
        _bounds(len(value), schema, "minLength", "maxLength", field, "characters")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        _bounds(value, schema, "minimum", "maximum", field, "")
    return value


def _object(value: dict[str, Any], schema: dict[str, Any], field: str) -> dict[str, Any]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    done: dict[str, Any] = {}
    for name, inner in value.items():
        if name in known:
            done[name] = checked(inner, known[name], f"{field}/{_escaped(name)}")
        elif others is False:
            names = f"; there are {', '.join(known)}" if known else ""
            raise ConfigError(f"{field}/{_escaped(name)}", f"is unknown{names}")
        else:
            done[name] = checked(inner, others, f"{field}/{_escaped(name)}") if isinstance(others, dict) else inner
    for name in schema.get("required", []):
        if name not in value:
            raise ConfigError(f"{field}/{_escaped(name)}", "is missing")
    for name, inner in known.items():
        if name not in done and "default" in inner:
            done[name] = checked(inner["default"], inner, f"{field}/{_escaped(name)}")
    return done


def _bounds(value: float, schema: dict[str, Any], low: str, high: str, field: str, unit: str) -> None:
    unit = f" {unit}" if unit else ""
    if low in schema and value < schema[low]:
        raise ConfigError(field, f"must be at least {schema[low]}{unit}")
    if high in schema and value > schema[high]:
        raise ConfigError(field, f"must be at most {schema[high]}{unit}")


def _same(one: Any, other: Any) -> bool:
    """Whether they are one JSON value: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _article(kind: str) -> str:
    return "null" if kind == "null" else f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
