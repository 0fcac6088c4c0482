"""Answers that a client may keep and has to ask about each time: it gets them again only when they have changed."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from fastapi import Response


def tag_of(body: bytes) -> str:
    """Return an entity tag for a body, without quotes."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def answer_if_changed(body: bytes, tag: str, if_none_match: str | None) -> Response:
    """Return JSON with its tag, or 304 when that is what the client has."""
    etag = f'"{tag}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "authorization"}
    if _matches(if_none_match, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _matches(if_none_match: str | None, etag: str) -> bool:
    """Compare weakly, as RFC 9110 says for If-None-Match."""
    if if_none_match is None:
        return False
    given = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in given or etag in given
