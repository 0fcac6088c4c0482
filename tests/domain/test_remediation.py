from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.money import add_up
from domain.remediation import CANNOT_BE_TAGGED, NOT_TAGGED, Finding, Guess, Line, Remediation
from domain.scope import UNATTRIBUTED
from domain.tickets import ticket


def line(amount: str, owner: str = UNATTRIBUTED, **more: Any) -> Line:
    return Line(owner, Decimal(amount), **{"provider": "aws", "service": "ec2", "resource": "i-1"} | more)


def findings(*lines: Line) -> list[Finding]:
    remediation = Remediation("team")
    remediation.add(lines)
    return remediation.findings()


def test_findings_are_ranked_by_money_and_a_credit_weighs_as_a_cost() -> None:
    found = findings(line("5"), line("40", service="s3"), line("-90", category="credit"), line("7"))
    assert [(each.service, str(each.amount), each.lines) for each in found] == [
        ("ec2", "-90", 1),
        ("s3", "40", 1),
        ("ec2", "12", 2),
    ]


def test_not_tagged_is_apart_from_cannot_be_tagged() -> None:
    found = findings(
        line("4"), line("3", category="tax", resource=""), line("2", resource=""), line("1", category="credit")
    )
    assert [each.reason for each in found] == [NOT_TAGGED, CANNOT_BE_TAGGED, CANNOT_BE_TAGGED, CANNOT_BE_TAGGED]


def test_where_resources_are_never_named_their_absence_means_nothing() -> None:
    assert [each.reason for each in findings(line("4", resource="", has_resources=False))] == [NOT_TAGGED]


def test_the_same_resource_goes_before_a_tag_an_account_and_a_service() -> None:
    known = [
        line("10", "search", service="x", account="1"),
        line("10", "ads", resource="i-2", tags=(("Name", "web-1"),), service="x", account="2"),
        line("10", "data", resource="i-3", account="7", service="y"),
        line("10", "infra", resource="i-4", account="8"),
    ]
    lost: dict[str, Any] = {"account": "7", "tags": (("Name", "web-1"),)}
    assert findings(*known, line("1", **lost))[0].guess == Guess("search", "resource", Decimal(1))
    assert findings(*known, line("1", **lost, resource="i-9"))[0].guess == Guess("ads", "tag", Decimal(1))
    assert findings(*known, line("1", account="7", resource="i-9"))[0].guess == Guess("data", "account", Decimal(1))
    assert findings(*known, line("1", resource="i-9"))[0].guess == Guess("infra", "service", Decimal(1))


def test_accounts_that_only_a_bills_details_tell_give_a_guess_and_count_nothing() -> None:
    remediation = Remediation("team")
    bare: dict[str, Any] = {"resource": "", "has_resources": False}
    remediation.add([line("10", **bare), line("90", "ads", **bare)])
    remediation.resemble(
        [
            line("7", account="1", **bare),
            line("3", account="2", **bare),
            line("50", "search", account="1", service="s3", **bare),
            line("40", "ads", account="3", **bare),
        ]
    )
    (found,) = remediation.findings()
    assert (remediation.total, remediation.unattributed) == (Decimal(100), Decimal(10))
    assert (found.amount, found.lines) == (Decimal(10), 1)
    assert found.accounts == (("1", Decimal(7)), ("2", Decimal(3)))
    assert found.guess == Guess("search", "account", Decimal(1))
    assert "Dearest accounts: 1, 2." in ticket(found, "team", "USD", "2026-W48")["description"]


def test_a_guess_is_more_than_half_of_the_money_or_none() -> None:
    known = [line("6", "search", resource="i-2"), line("4", "ads", resource="i-3")]
    assert findings(*known, line("1"))[0].guess == Guess("search", "service", Decimal("0.6"))
    assert findings(known[0], line("6", "ads", resource="i-3"), line("1"))[0].guess is None


def test_an_account_of_another_provider_is_another_account() -> None:
    assert (
        findings(line("6", "search", account="1", provider="gcp", resource="x"), line("1", account="1"))[0].guess
        is None
    )


def test_the_dearest_resources_are_named() -> None:
    found = findings(*[line(str(i), resource=f"i-{i}") for i in range(8)])
    assert [each.name for each in found[0].resources] == ["i-7", "i-6", "i-5", "i-4", "i-3"]
    assert found[0].other_resources == 3


def _counted(amount: str, owner: str = UNATTRIBUTED, **more: Any) -> Line:
    return line(amount, owner, **{"resource": "", "has_resources": False} | more)


def test_resources_that_bills_tell_are_parts_of_what_is_counted_and_have_guesses_of_their_own() -> None:
    remediation = Remediation("team")
    remediation.add([_counted("10"), _counted("5", "core")])
    told = [
        (_counted("3", resource="i-1", account="7"), Guess("ads", "tag", Decimal(1))),
        (_counted("4", resource="i-2", account="7"), None),
        (_counted("-9", "search", resource="i-2", account="7"), None),
        (_counted("1", resource="i-3", account="7"), None),
        (_counted("99", resource="i-4", service="of no cost that is counted"), None),
    ]
    remediation.name(told)
    remediation.resemble([_counted("10", account="7"), _counted("5", "core", account="7")])
    (found,) = remediation.findings()
    assert (remediation.unattributed, found.amount, found.other_resources) == (*[Decimal(10)] * 2, Decimal(2))
    assert [(each.name, each.amount, each.account, each.guess) for each in found.resources] == [
        ("i-2", Decimal(4), "7", Guess("search", "resource", Decimal(1))),
        ("i-1", Decimal(3), "7", Guess("ads", "tag", Decimal(1))),
        ("i-3", Decimal(1), "7", Guess("core", "account", Decimal(1))),
    ]
    assert found.guess == Guess("search", "resource", Decimal(1))


def test_what_bills_guess_of_resources_counts_by_their_money() -> None:
    remediation = Remediation("team")
    remediation.add([_counted("10")])
    whose = {"i-1": ("3", "ads"), "i-2": ("4", "core"), "i-3": ("2", "ads")}
    remediation.name(
        (_counted(amount, resource=name), Guess(owner, "tag", Decimal(1))) for name, (amount, owner) in whose.items()
    )
    (found,) = remediation.findings()
    assert found.guess is not None
    assert (found.guess.owner, found.guess.by, round(found.guess.share, 4)) == ("ads", "tag", Decimal("0.5556"))
    told = ticket(found, "team", "USD", "2026-W48")
    assert "i-2 (4.00 USD, probably core)" in told["description"]
    assert "Other resources: 1.00 USD." in told["description"]


def test_a_ticket_says_how_much_of_what_who_probably_and_what_to_do() -> None:
    found = findings(line("6", "search"), line("1.005", account="12"))[0]
    told = ticket(found, "team", "USD", "2026-W48")
    assert told["summary"] == "1.00 USD of aws / 12 / ec2 has no team"
    assert told["assignee_guess"] == "search"
    assert told["amount"] == "1.005"
    assert "Probably search: 100 % of the money of the same resource is theirs." in told["description"]
    assert told["labels"] == ["costguard", "unattributed", "not-tagged"]


def test_a_finding_has_one_ticket_a_week() -> None:
    first, again = (findings(line(amount))[0] for amount in ("1", "2"))
    assert ticket(first, "team", "USD", "2026-W48")["id"] == ticket(again, "team", "USD", "2026-W48")["id"]
    assert ticket(first, "team", "USD", "2026-W48")["id"] != ticket(first, "team", "USD", "2026-W49")["id"]


lines = st.builds(
    line,
    st.decimals(-1000, 1000, places=6, allow_nan=False).map(str),
    st.sampled_from(["search", "ads", UNATTRIBUTED]),
    resource=st.sampled_from(["", "i-1", "i-2"]),
    account=st.sampled_from(["", "1"]),
    category=st.sampled_from(["usage", "tax", "credit"]),
)


@given(st.lists(lines, max_size=30), st.randoms(use_true_random=False))
def test_no_unattributed_money_is_lost_and_the_order_does_not_matter(given_lines: list[Line], random: Any) -> None:
    found = findings(*given_lines)
    lost = [each.amount for each in given_lines if each.owner == UNATTRIBUTED]
    assert add_up(each.amount for each in found) == add_up(lost)
    shuffled = list(given_lines)
    random.shuffle(shuffled)
    assert findings(*shuffled) == found
