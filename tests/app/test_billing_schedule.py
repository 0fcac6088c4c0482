"""The importer: what is new in a folder is sent once, what fails is tried again."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaConnectionError

from app.billing_import import Options
from app.billing_schedule import Importer
from tests.live import bill

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest


class Broker:
    """Keeps what is sent; `away` refuses."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.away = False

    async def send_many(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, Any]]) -> list[Any]:
        assert topic == "billing-deltas"
        if self.away:
            raise KafkaConnectionError
        self.ids += [json.loads(value or b"")["id"] for _, value, _ in records]
        return []


def importer(broker: Broker, *folders: Path) -> Importer:
    return Importer(
        [str(folder) for folder in folders],
        copies=folders[0] / ".copies",
        options=Options(),
        publisher=broker,
        topic="billing-deltas",
    )


async def test_what_is_new_is_sent_once(tmp_path: Path) -> None:
    broker = Broker()
    looking = importer(broker, tmp_path)
    assert await looking.import_all()
    assert broker.ids == []
    bill.write(tmp_path / "a.csv", bill.lines(5))
    assert await looking.import_all()
    assert len(broker.ids) == 5 + 3 + 1  # rows, resources of three days, and that these are all
    assert await looking.import_all()
    assert len(broker.ids) == 5 + 3 + 1


async def test_a_file_written_anew_is_another_edition(tmp_path: Path) -> None:
    broker = Broker()
    looking = importer(broker, tmp_path)
    bill.write(tmp_path / "a.csv", bill.lines(5))
    await looking.import_all()
    bill.write(tmp_path / "a.csv", bill.lines(4))
    await looking.import_all()
    assert len(broker.ids) == (5 + 3 + 1) + (4 + 3 + 1)


async def test_after_a_restart_everything_is_sent_again_by_the_same_ids(tmp_path: Path) -> None:
    first, second = Broker(), Broker()
    bill.write(tmp_path / "a.csv", bill.lines(5))
    await importer(first, tmp_path).import_all()
    await importer(second, tmp_path).import_all()
    assert first.ids == second.ids


async def test_what_the_broker_did_not_take_is_sent_again(tmp_path: Path) -> None:
    broker = Broker()
    looking = importer(broker, tmp_path)
    bill.write(tmp_path / "a.csv", bill.lines(5))
    broker.away = True
    assert not await looking.import_all()
    broker.away = False
    assert await looking.import_all()
    assert len(broker.ids) == 5 + 3 + 1


async def test_what_is_no_bill_is_refused_once_and_keeps_no_other_from_being_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker()
    (tmp_path / "a.csv").write_text("colour,size\nred,1\n")
    bill.write(tmp_path / "b.csv", bill.lines(2))
    looking = importer(broker, tmp_path)
    with caplog.at_level(logging.WARNING):
        assert await looking.import_all()
        assert await looking.import_all()
    assert len(broker.ids) == 2 + 2 + 1
    assert ["a.csv is refused" in record.getMessage() for record in caplog.records] == [True]


async def test_a_folder_out_of_reach_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    broker = Broker()
    (tmp_path / "there").mkdir()
    bill.write(tmp_path / "there" / "b.csv", bill.lines(2))
    assert not await importer(broker, tmp_path / "away", tmp_path / "there").import_all()
    assert len(broker.ids) == 2 + 2 + 1
