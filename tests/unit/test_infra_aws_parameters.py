"""What set-up keeps and the command line takes, against the template's parameters.

CloudFormation refuses a value at every deployment that its parameter's declaration refuses:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.aws import remembered
from infra.aws.account import Account
from infra.aws.arguments import STAGE
from infra.aws.deploy import secrets_parameter
from infra.aws.setup import Answers, Kakao, budget, domain_name, email, set_up
from infra.aws.template import merge_template
from infra.errors import InfraError
from tests.unit.aws_harness import KAKAO, Answering, emulated_account

DECLARED: dict[str, dict[str, Any]] = merge_template()["Parameters"]
NOBODY = Kakao("http://127.0.0.1:9", "http://127.0.0.1:9")


def is_allowed(name: str, value: str) -> bool:
    """Whether a parameter's declaration takes a value, as CloudFormation sees it."""
    declared = DECLARED[name]
    if declared["Type"] == "Number":
        if not re.fullmatch(r"-?\d+(\.\d+)?", value):
            return False
        least, most = declared.get("MinValue"), declared.get("MaxValue")
        if (least is not None and float(value) < least) or (
            most is not None and float(value) > most
        ):
            return False
    allowed = [str(one) for one in declared.get("AllowedValues", [value])]
    return (
        value in allowed
        and len(value) <= declared.get("MaxLength", 4096)
        and re.fullmatch(declared.get("AllowedPattern", r"(?s:.*)"), value) is not None
    )


def refused(values: Mapping[str, str]) -> dict[str, str]:
    """Those that the template would refuse."""
    return {name: value for name, value in values.items() if not is_allowed(name, value)}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    directory = tmp_path_factory.mktemp("aws")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        emulated_account(directory, monkeypatch, services=("ssm", "sts")) as made,
    ):
        yield made


_stages = itertools.count(1)


@pytest.fixture
def stage() -> str:
    return f"stage{next(_stages)}"


def chosen(
    account: Account, stage: str, answers: Answers, person: Answering | None
) -> dict[str, str]:
    """What set-up keeps, with Kakao's keys given."""
    given = Answers(
        domain=answers.domain,
        alarm_email=answers.alarm_email,
        monthly_budget=answers.monthly_budget,
        access_logs=answers.access_logs,
        keys=KAKAO,
    )
    set_up(account, stage, given, person=person, report=lambda line: None, kakao=NOBODY)
    return remembered.read(account.client("ssm"), stage)


def test_declarations_refuse_what_cloudformation_would() -> None:
    wrong = {"MonthlyBudget": "", "AccessLogs": "", "Stage": "", "SiteOrigin": "x", "Rollout": "y"}
    assert refused(wrong) == wrong
    assert not is_allowed("MonthlyBudget", "-1")
    assert not is_allowed("FramePaceMs", "5001")
    assert refused({name: str(body["Default"]) for name, body in DECLARED.items()}) == {}


def test_enter_for_everything_keeps_what_the_template_takes(account: Account, stage: str) -> None:
    person = Answering()
    values = chosen(account, stage, Answers(), person)
    assert {"AlarmEmail", "MonthlyBudget", "AccessLogs", "DomainName"} <= values.keys()
    assert refused(values) == {}
    assert values["MonthlyBudget"] == "0"
    assert "Budget a month, in dollars [0; - for none]: " in person.questions


@pytest.mark.parametrize("nothing", ["-", ""])
def test_what_is_taken_away_leaves_what_the_template_takes(
    account: Account, stage: str, nothing: str
) -> None:
    first = Answers(alarm_email="ops@example.com", monthly_budget="20", access_logs="on")
    assert refused(chosen(account, stage, first, None)) == {}
    gone = Answers(domain=nothing, alarm_email=nothing, monthly_budget=nothing, access_logs=nothing)
    values = chosen(account, stage, gone, None)
    assert refused(values) == {}
    assert (values["AlarmEmail"], values["MonthlyBudget"], values["AccessLogs"]) == ("", "0", "off")


def test_enter_mends_an_empty_budget_that_was_kept(account: Account, stage: str) -> None:
    remembered.write(account.client("ssm"), stage, {"MonthlyBudget": ""})
    assert refused(chosen(account, stage, Answers(), Answering())) == {}


@pytest.mark.parametrize(
    "text", ["prod", "a", "a" * 16, "a" * 17, "a-1", "1a", "-a", "Prod", "a_b", "é", "a\n", ""]
)
def test_the_command_line_takes_the_stages_that_the_template_takes(text: str) -> None:
    assert (STAGE.fullmatch(text) is not None) is is_allowed("Stage", text)


def test_the_longest_stage_leaves_room_for_its_secrets() -> None:
    assert is_allowed("SecretsParameter", secrets_parameter("a" * DECLARED["Stage"]["MaxLength"]))


def domain_of(length: int) -> str:
    """A domain's name of that length."""
    name = f"{'a' * 40}.{'b' * (length - 45)}.com"
    assert len(name) == length
    return name


def test_setup_takes_the_domains_whose_origin_the_template_takes() -> None:
    longest = DECLARED["SiteOrigin"]["MaxLength"] - len("https://")
    taken = domain_name(domain_of(longest))
    assert is_allowed("SiteOrigin", f"https://{taken}")
    assert is_allowed("DomainName", taken)
    # A closing dot is not kept.
    assert domain_name(f"{taken}.") == taken
    with pytest.raises(InfraError, match=f"DomainName: must have at most {longest} characters"):
        domain_name(domain_of(longest + 1))


def test_setup_takes_addresses_and_budgets_as_long_as_the_template_does() -> None:
    longest = DECLARED["AlarmEmail"]["MaxLength"]
    address = f"ops@{'a' * (longest - 8)}.com"
    assert is_allowed("AlarmEmail", email(address))
    with pytest.raises(InfraError, match=f"AlarmEmail: must have at most {longest} characters"):
        email(f"x{address}")
    assert is_allowed("MonthlyBudget", budget("1000000"))
    assert is_allowed("MonthlyBudget", budget("007"))
