from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import httpx
import msgspec
import orjson
import pytest

from app.access_tokens import Token
from app.api.anomaly_plot import TITLE_LETTERS
from tests.app.anomalies import EPISODE, shown

if TYPE_CHECKING:
    from tests.app.api.fakes import World


@pytest.fixture
def anomalous(world: World) -> World:
    world.view.show("anomalies", **{"a-1": shown()})
    return world


async def test_the_list_tells_the_story_without_its_hours(anomalous: World) -> None:
    (found,) = (await anomalous.get("/anomalies", tenant="acme", since="2026-08-01T00:00:00Z"))["anomalies"]
    assert (found["actual"], found["expected"], found["percent"], found["severity"]) == (
        "40.00",
        "10.00",
        "300",
        "high",
    )
    assert "series" not in found


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ({}, ["a-1", "a-2"]),
        ({"status": "open"}, ["a-1"]),
        ({"status": "closed"}, ["a-2"]),
        ({"status": "corrected"}, ["a-3"]),
        ({"status": "any"}, ["a-1", "a-2", "a-3"]),
    ],
)
async def test_what_late_data_has_explained_is_listed_only_when_asked_for(
    world: World, asked: dict[str, str], listed: list[str]
) -> None:
    documents = {}
    for identifier, reason in (("a-1", ""), ("a-2", "back-to-normal"), ("a-3", "corrected")):
        ended = EPISODE.first + 3600 if reason else 0
        episode = msgspec.structs.replace(EPISODE, id=identifier, closed=ended, reason=reason)
        documents[identifier] = shown(episode) | {"anomaly_id": identifier}
    world.view.show("anomalies", **documents)
    found = (await world.get("/anomalies", **asked))["anomalies"]
    assert sorted(each["anomaly_id"] for each in found) == listed
    assert (await world.get("/anomalies/a-3"))["closed"]["reason"] == "corrected"


async def test_one_anomaly_has_its_hours(anomalous: World) -> None:
    found = await anomalous.get("/anomalies/a-1")
    assert [each["actual"] for each in found["series"]] == [10.0, 40.0]
    assert found["at_stake"] == {"so_far": "30.00", "per_day": "720.00", "currency": "USD"}


async def test_the_picture_is_svg_and_names_are_not_markup(anomalous: World) -> None:
    evil = msgspec.structs.replace(EPISODE, values=("acme", "<script>alert(1)</script>"))
    anomalous.view.show("anomalies", **{"a-1": shown(evil)})
    async with anomalous.client() as client:
        answer = await client.get("/anomalies/a-1.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    picture = ET.fromstring(answer.text)  # noqa: S314 - our own
    assert not list(picture.iter("{http://www.w3.org/2000/svg}script"))
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}circle"))) == 1


async def test_long_names_stay_within_the_picture_and_are_whole_in_its_title(anomalous: World) -> None:
    long = msgspec.structs.replace(EPISODE, values=("acme", f"first-{'x' * 200}-last"))
    anomalous.view.show("anomalies", **{"a-1": shown(long)})
    async with anomalous.client() as client:
        picture = ET.fromstring((await client.get("/anomalies/a-1.svg")).text)  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    assert long.values[1] in (picture.findtext(f"{space}title") or "")
    drawn = [text.text or "" for text in picture.iter(f"{space}text")]
    assert max(map(len, drawn)) <= TITLE_LETTERS
    assert any("tenant=acme,feature=first-" in text and "-last, compute" in text for text in drawn)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/anomalies/a-2"), ("GET", "/anomalies/a-2.svg"), ("POST", "/anomalies/a-2/feedback")]
)
async def test_what_is_not_there_is_not_found(anomalous: World, method: str, path: str) -> None:
    assert (await anomalous.refusal(method, path)).status_code == httpx.codes.NOT_FOUND


async def test_an_anomaly_of_another_tenant_does_not_exist(anomalous: World) -> None:
    secret = "of-another-tenant-altogether"  # noqa: S105 - of a test
    anomalous.tokens = (Token("other", secret, frozenset({"hooli"}), frozenset({"read", "write"})),)
    assert (await anomalous.refusal("GET", "/anomalies/a-1", secret)).status_code == httpx.codes.NOT_FOUND
    answer = await anomalous.refusal("POST", "/anomalies/a-1/feedback", secret, json={"verdict": "no"})
    assert answer.status_code == httpx.codes.NOT_FOUND


async def test_feedback_is_sent_and_told_once_it_is_carried_out(anomalous: World) -> None:
    def heard(topic: str, _: bytes | None, value: bytes | None) -> None:
        assert topic == "costguard-closed-hours"
        said = orjson.loads(value or b"")
        anomalous.view.show("anomalies", **{"a-1": shown() | {"feedback": said["verdict"]}})

    anomalous.publisher.on_send = heard
    anomalous.budget_wait = 5.0
    async with anomalous.client() as client:
        answer = await client.post("/anomalies/a-1/feedback", json={"verdict": "no"})
    assert (answer.status_code, answer.json()["feedback"]) == (httpx.codes.OK, "no")


async def test_feedback_that_nobody_has_carried_out_is_pending(anomalous: World) -> None:
    async with anomalous.client() as client:
        answer = await client.post("/anomalies/a-1/feedback", json={"verdict": "planned"})
    assert (answer.status_code, answer.json()["feedback"]) == (httpx.codes.ACCEPTED, "pending")


@pytest.mark.parametrize("body", [{}, {"verdict": "perhaps"}, {"verdict": None}])
async def test_feedback_is_yes_no_or_planned(anomalous: World, body: dict[str, object]) -> None:
    answer = await anomalous.refusal("POST", "/anomalies/a-1/feedback", json=body)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert anomalous.publisher.sent == []
