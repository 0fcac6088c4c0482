"""`GET /docs`: for people, without internet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

from app.api.reference import page

if TYPE_CHECKING:
    from tests.app.api.fakes import World


async def test_the_page_tells_every_operation_and_loads_nothing(world: World) -> None:
    document = await world.get("/openapi.json")
    async with world.client() as client:
        answer = await client.get("/docs")
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    headings = re.findall("<h2>(.*?)</h2>", answer.text)
    told = [re.sub("<.*?>", "", heading) for heading in headings]
    operations = document["paths"].items()
    assert told == [f"{method.upper()} {path}" for path, methods in operations for method in methods]
    assert not re.search(r"<script|<link|<img|src=|https?://", answer.text)


async def test_every_link_of_the_page_leads_somewhere(world: World) -> None:
    async with world.client() as client:
        links = re.findall('href="(.*?)"', (await client.get("/docs")).text)
        assert "/costs" in links
        assert {(await client.get(link)).status_code for link in links} <= {200, 503}


def test_nothing_in_the_document_becomes_markup() -> None:
    evil = "<script>alert(1)</script>"
    parameter = {"name": evil, "in": "query", "description": evil}
    body = {"content": {evil: {"example": {evil: evil}}}}
    operation = {
        "description": evil,
        "parameters": [parameter],
        "requestBody": body,
        "responses": {"200": {"description": evil}},
    }
    text = page({"info": dict.fromkeys(("title", "version", "description"), evil), "paths": {evil: {"get": operation}}})
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 8
