from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.supervisor import logs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"one\ntwo\n\n", "two"),
        (b"no newline", "no newline"),
        (b"\xff\xfe\n", "\ufffd\ufffd"),
        (b'{"level":"critical","message":"stopping: KafkaError"}\n', "stopping: KafkaError"),
        (b"\x1b[?25h\x1b[31mOK\x1b[0m \x07^\r\n", "OK  ^"),
        (b'{"message":"two\\nlines \\u001b]0;title"}\n', "two lines  ]0;title"),
        (b'{"level":"critical"}\n', '{"level":"critical"}'),
        (b"x" * 100_000, "x" * logs.MAX_LINE),
    ],
)
def test_the_last_words_are_the_last_line_that_says_something(tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "log").write_bytes(content)
    assert logs.last_line(tmp_path / "log") == line


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert logs.last_line(tmp_path / "log") == ""


def test_a_small_log_is_appended_to_and_a_large_one_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 4)
    path = tmp_path / "logs" / "a.log"
    for text in (b"1234", b"5", b"6"):
        with logs.open_log(path) as log:
            log.write(text)
    assert path.read_bytes() == b"6"
    assert path.with_name("a.log.1").read_bytes() == b"12345"
