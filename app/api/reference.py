"""`GET /docs`: the OpenAPI document for people, as one page that loads nothing.

FastAPI's own page runs scripts of a content delivery network: it is blank without internet, and whoever serves these
scripts could use an API that asks for no token.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

router = APIRouter(include_in_schema=False)

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE: Final = """:root{color-scheme:light dark}body{font:1em/1.5 system-ui,sans-serif;max-width:60em;margin:auto;
padding:1em}h2{margin:2em 0 0}pre{overflow:auto}dt,h2{font-family:ui-monospace,monospace}"""


@router.get("/")
async def get_root() -> Response:
    """Show people who open the address that `up` prints what there is."""
    return RedirectResponse("/docs")


@router.get("/docs")
async def get_reference(request: Request) -> Response:
    """Return the page."""
    return Response(page(request.app.openapi()), headers={"content-security-policy": _POLICY}, media_type="text/html")


def page(document: dict[str, Any]) -> str:
    """Return an OpenAPI document as HTML."""
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    operations = "".join(
        _operation(path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(info['description'])}</p>"
        f'<p>With the schemas of all answers: <a href="/openapi.json">/openapi.json</a></p>{operations}</html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    # A link tries an operation out; it cannot fill in a scope or write.
    name = escape(path) if method != "get" or "{" in path else f'<a href="{escape(path)}">{escape(path)}</a>'
    parts = [f"<h2>{escape(method.upper())} {name}</h2><p>{escape(operation.get('description', ''))}</p>"]
    parts += _list("Parameters", _parameters(operation))
    parts += _examples(operation)
    answers = operation["responses"].items()
    parts += _list("Answers", ((status, response["description"]) for status, response in sorted(answers)))
    return "".join(parts)


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter in operation.get("parameters", ()):
        yield f"{parameter['name']} ({parameter['in']})", parameter.get("description", "")


def _examples(operation: dict[str, Any]) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body: {escape(media_type)}</h3>"
        if "example" in content:
            text = orjson.dumps(content["example"], option=orjson.OPT_INDENT_2).decode()
            yield f"<pre>{escape(text)}</pre>"


def _list(title: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    rows = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in entries)
    if rows:
        yield f"<h3>{title}</h3><dl>{rows}</dl>"
