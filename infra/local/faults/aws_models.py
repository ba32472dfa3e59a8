"""What botocore knows about AWS's services: names, operations, and how REST calls look."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from botocore.loaders import Loader

#: API Gateway's management API, by which Lambdas post to connections, as boto3 calls it.
MANAGEMENT: Final = "apigatewaymanagementapi"

_MODEL: Final = "service-2"


@functools.cache
def services() -> tuple[str, ...]:
    """The names that boto3.client() takes."""
    return tuple(Loader().list_available_services(_MODEL))


def matching_services(pattern: str) -> list[str]:
    """The services whose names match a pattern."""
    return [name for name in services() if fnmatchcase(name, pattern)]


@functools.cache
def _model(service: str) -> dict[str, Any]:
    model: dict[str, Any] = Loader().load_service_model(service, _MODEL)
    return model


@functools.cache
def operations(service: str) -> tuple[str, ...]:
    """The operations of a service that boto3 knows."""
    return tuple(_model(service)["operations"])


def nearest(word: str, known: Collection[str]) -> str:
    """Says what may have been meant: ``; did you mean 'PutItem'?``, or nothing."""
    by_lower = {name.lower(): str(name) for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""


@dataclass(frozen=True)
class _Route:
    """How an operation of a REST service is told: by path, query and headers."""

    operation: str
    path: re.Pattern[str]
    literals: int
    query: frozenset[tuple[str, str]]
    query_needed: frozenset[str]
    headers_needed: frozenset[str]

    def weight(self, path: str, query: Mapping[str, str], headers: Collection[str]) -> int:
        """How much of a request it explains; below 0: it is another operation's."""
        fits = (
            all(name in query and value in ("", query[name]) for name, value in self.query)
            and self.query_needed <= query.keys()
            and all(name in headers for name in self.headers_needed)
            and self.path.fullmatch(path) is not None
        )
        if not fits:
            return -1
        wanted = len(self.query) + len(self.query_needed) + len(self.headers_needed)
        return 1000 * self.literals + wanted


@functools.cache
def _routes(service: str) -> Mapping[str, tuple[_Route, ...]]:
    """The operations of a REST service, by HTTP method."""
    model = _model(service)
    found: dict[str, list[_Route]] = {}
    for name, operation in model["operations"].items():
        path, _, query = operation["http"]["requestUri"].partition("?")
        shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
        needed = [shape["members"][member] for member in shape.get("required", [])]
        parts = re.split(r"(\{[^}]+\})", path.rstrip("/"))
        found.setdefault(operation["http"]["method"], []).append(
            _Route(
                operation=name,
                path=re.compile("".join(map(_part, parts))),
                literals=sum(bool(part) for part in path.split("/") if "{" not in part),
                query=frozenset(
                    (key, value)
                    for key, _, value in (pair.partition("=") for pair in query.split("&"))
                    if key
                ),
                query_needed=_located(needed, "querystring"),
                headers_needed=_located(needed, "header"),
            )
        )
    return {method: tuple(routes) for method, routes in found.items()}


def _part(text: str) -> str:
    """A piece of a URI template as a regular expression: ``{Key+}`` may have slashes."""
    if not text.startswith("{"):
        return re.escape(text)
    return ".+" if text.endswith("+}") else "[^/]+"


def _located(members: list[dict[str, Any]], location: str) -> frozenset[str]:
    return frozenset(
        member["locationName"].lower() if location == "header" else member["locationName"]
        for member in members
        if member.get("location") == location
    )


def rest_operation(
    service: str, method: str, path: str, query: Mapping[str, str], headers: Collection[str]
) -> str:
    """The operation of a REST call, or "" where none is like it.

    Args:
        service: boto3's name of it.
        method: HTTP method.
        path: still percent-encoded, without what the endpoint's URL begins with.
        query: its parameters; those without a value have "".
        headers: names of headers, in lower case.
    """
    if service not in services():
        return ""
    path = path.rstrip("/")
    best, found = -1, ""
    for route in _routes(service).get(method, ()):
        weight = route.weight(path, query, headers)
        if weight > best:
            best, found = weight, route.operation
    return found
