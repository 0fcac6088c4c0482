from __future__ import annotations

from domain.ownership import Owner, Ownership, parse_codeowners


def test_the_last_matching_rule_wins() -> None:
    ownership = Ownership([Owner("*", "platform"), Owner("checkout-*", "payments")])
    assert ownership.team_of("checkout-api") == "payments"
    assert ownership.team_of("ranker") == "platform"


def test_a_service_nobody_owns_has_no_team() -> None:
    assert Ownership([Owner("a", "b")]).team_of("c") is None


def test_codeowners_name_teams_by_the_last_part_of_a_path() -> None:
    rules = parse_codeowners("""
        # comment
        *                   @acme/platform
        /services/ranker/   @ann @acme/search  # inline
        /services/gpu-*     @acme/ml
        /services/docs/     ann@acme.com
    """)
    assert rules == [Owner("*", "platform"), Owner("ranker", "search"), Owner("gpu-*", "ml")]
