"""The scope that a path names, `/budgets/{scope}`, as the client wrote it: values may hold anything, even `/status`.

A server hands out paths with percent-encoding already undone, and then a comma of a value looks like one between
terms. So the path is read as it came: each value percent-encoded once, `tenant=acme%2C%20Inc.,feature=a%2Fb`. Clients
that encode a whole segment write `=` or the commas between terms as `%3D` and `%2C`; they are understood, too.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote, unquote

from fastapi import Depends, Path, Request

from app.api.problems import Problem
from domain.queries.asking import MAX_VALUE_CHARS
from domain.scope import DIMENSIONS, ScopeFilter, parse_filter

ROOT: Final = "/budgets/"
STATUS: Final = "/status"
_NEXT_TERM: Final = re.compile(rf"(?:,|%2[Cc])(?:%20)*(?=(?:{'|'.join(DIMENSIONS)})=)")
_ScopeText = Annotated[
    str,
    Path(
        description="`dimension=value` terms, values percent-encoded, or `all`",
        examples=["tenant=acme,feature=ai-search"],
    ),
]


def scope_of(raw_path: str, route: str) -> ScopeFilter:
    """Return the scope that a path names; `route` is the template that it matched. Raises `ValueError`."""
    text = raw_path.removeprefix(ROOT)
    # A value that ends with an encoded `/status` meets that route, too.
    text = text.removesuffix(STATUS) if route.endswith(STATUS) else text
    text = _NEXT_TERM.sub(",", text) if "=" in text else unquote(text, errors="strict")
    scope = parse_filter(text)
    for dimension, value in scope.terms:
        if len(value) > MAX_VALUE_CHARS:
            raise ValueError(f"scope: {dimension} has more than {MAX_VALUE_CHARS} characters")
    return scope


def path_of(scope: ScopeFilter) -> str:
    """Return the path of a scope's budget."""
    terms = ",".join(f"{dimension}={quote(value, safe='')}" for dimension, value in scope.terms)
    return ROOT + (terms or str(scope))


async def _named(request: Request, scope: _ScopeText) -> ScopeFilter:
    path = request.scope.get("raw_path") or quote(f"{ROOT}{scope}").encode()
    try:
        return scope_of(path.decode("ascii"), request.scope["route"].path)
    except ValueError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)[:300]) from None


NamedScope = Annotated[ScopeFilter, Depends(_named)]
