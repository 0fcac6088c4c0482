"""Tokens: what they open, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.access_tokens import Token, find_token, read_tokens
from app.typed_toml import SettingsError

GOOD = "0123456789abcdef"


def read(directory: Path = Path("/nowhere"), **sections: dict[str, Any]) -> tuple[Token, ...]:
    return read_tokens(sections, directory)


def refusal(**section: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        read(ci=section)
    return str(caught.value)


def test_a_token_reads_its_tenants_and_nothing_else() -> None:
    (token,) = read(ci={"secret": GOOD, "tenants": ["acme"]})
    assert token.allows("read", "acme")
    assert not token.allows("read", "hooli")
    assert not token.allows("write", "acme")


def test_a_token_writes_events_of_the_sources_that_it_is_bound_to() -> None:
    bound, free = read(
        bound={"secret": GOOD, "tenants": "*", "sources": ["/a/", "/b"]}, free={"secret": GOOD + "2", "tenants": "*"}
    )
    assert [bound.speaks_for(source) for source in ("/a/1", "/b", "/a", "/c/a/")] == [True, True, False, False]
    assert free.speaks_for("/c")


def test_a_token_bound_to_tenants_does_not_open_what_concerns_all() -> None:
    (bound, free) = read(bound={"secret": GOOD, "tenants": ["acme"]}, free={"secret": GOOD + "2", "tenants": "*"})
    assert not bound.allows("read")
    assert free.allows("read")
    assert free.allows("read", "anybody")


def test_admin_holds_the_other_rights_and_write_does_not_hold_read() -> None:
    (admin, writer) = read(
        admin={"secret": GOOD, "tenants": "*", "rights": ["admin"]},
        writer={"secret": GOOD + "2", "tenants": "*", "rights": ["write"]},
    )
    assert all(admin.allows(right) for right in ("read", "write", "admin"))
    assert not writer.allows("read")


def test_a_token_is_found_by_its_whole_secret_alone() -> None:
    tokens = read(one={"secret": GOOD, "tenants": "*"}, two={"secret": GOOD + "2", "tenants": "*"})
    assert find_token(tokens, GOOD + "2") == tokens[1]
    for wrong in ("", GOOD[:-1], GOOD + "3", "Ünïcode-" + GOOD, "\udcff"):
        assert find_token(tokens, wrong) is None


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"secret": GOOD}, "tokens.ci.tenants: missing"),
        ({"tenants": "*"}, "tokens.ci.secret: give one of secret and secret_file"),
        ({"tenants": "*", "secret": GOOD, "secret_file": "x"}, "tokens.ci.secret: give one of"),
        ({"tenants": "*", "secret": "short"}, "tokens.ci.secret: a token has at least 16"),
        ({"tenants": "*", "secret": GOOD + " "}, "tokens.ci.secret: a token has at least 16"),
        ({"tenants": "acme", "secret": GOOD}, "tokens.ci.tenants: must be a list"),
        ({"tenants": [], "secret": GOOD}, "tokens.ci.tenants: must be a list"),
        ({"tenants": ["acme", "*"], "secret": GOOD}, "tokens.ci.tenants: for all tenants write"),
        ({"tenants": "*", "secret": GOOD, "rights": []}, "tokens.ci.rights: must name one of"),
        ({"tenants": "*", "secret": GOOD, "rights": ["reed"]}, "tokens.ci.rights: 'reed' is not one of"),
        ({"tenants": "*", "secret": GOOD, "sources": []}, "tokens.ci.sources: must be a list"),
        ({"tenants": "*", "secret": GOOD, "sources": [""]}, "tokens.ci.sources: must be a list"),
        ({"tenants": 3, "secret": GOOD}, "tokens.ci.tenants: must be "),
    ],
)
def test_a_token_that_opens_nothing_or_too_much_is_refused_by_its_key(section: dict[str, Any], line: str) -> None:
    assert refusal(**section).startswith(line)


def test_two_tokens_cannot_share_a_secret() -> None:
    with pytest.raises(SettingsError, match=r"^tokens\.b: has the secret of tokens\.a"):
        read(a={"secret": GOOD, "tenants": "*"}, b={"secret": GOOD, "tenants": ["acme"]})


def test_a_secret_file_holds_one_secret(tmp_path: Path) -> None:
    (tmp_path / "ci").write_text(GOOD + "\n")
    (token,) = read(tmp_path, ci={"secret_file": "ci", "tenants": "*"})
    assert token.matches(GOOD)
    (tmp_path / "ci").write_text(GOOD + "\n" + GOOD)
    with pytest.raises(SettingsError, match=r"^tokens\.ci\.secret_file: the file must hold one line"):
        read(tmp_path, ci={"secret_file": "ci", "tenants": "*"})


def test_a_secret_is_never_shown() -> None:
    (token,) = read(ci={"secret": GOOD, "tenants": "*"})
    assert GOOD not in repr(token)
    assert "hunter2" not in refusal(tenants="*", secret="hunter2")  # noqa: S106
