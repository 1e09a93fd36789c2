"""The description of the API, made from the tables that the server is made from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from tallybook.model.version import __version__
from tallybook.web.problems import MEDIA_TYPE
from tallybook.web.routes import JSON, Row
from tallybook.web.shapes import Fact, Heat, Problem
from tallybook.web.words import ASKED, Word

_REFS = "#/components/schemas/{name}"
_PROBLEM = {
    "description": "What went wrong, and the nearest alternatives.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": _REFS.format(name="Problem")}}},
}


def described(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these routes."""
    table = list(rows)
    kinds = [kind for row in table for kind in (row.answer, row.body) if kind is not None]
    _, components = msgspec.json.schema_components([*kinds, Problem, Fact, Heat], ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for row in table:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tallybook", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"},
            "description": "What a book answers, in the words of `tallybook query`. Money is text with all digits.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }  # fmt: skip


def _operation(row: Row) -> dict[str, Any]:
    words = [*(ASKED.values() if row.asks else ()), *row.words]
    parts: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", row.path)
    ]
    found: dict[str, Any] = {
        "operationId": row.name, "summary": row.says, "parameters": parts + [_parameter(word) for word in words],
        "responses": {str(row.status): _answer(row), "default": _PROBLEM},
    }  # fmt: skip
    if row.body is not None:
        found["requestBody"] = {"required": True, "content": {JSON: _schema(row.body)}}
    return found


def _answer(row: Row) -> dict[str, Any]:
    content = {media: _schema(row.answer) if media == JSON and row.answer else {} for media in row.media}
    return {"description": row.says, **({"content": content} if content else {})}


def _schema(kind: Any) -> dict[str, Any]:
    (found,), _ = msgspec.json.schema_components([kind], ref_template=_REFS)
    return {"schema": found}


def _parameter(word: Word) -> dict[str, Any]:
    item = {"type": "integer", "minimum": 1} if word.is_number else {"type": "string"}
    schema = {"type": "array", "items": item} if word.repeats else item
    example = [word.example] if word.repeats else int(word.example) if word.is_number else word.example
    return {
        "name": word.name, "in": "query", "description": word.says, "schema": schema, "example": example,
        **({"style": "form", "explode": True} if word.repeats else {}),
    }  # fmt: skip
