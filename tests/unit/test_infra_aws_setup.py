"""The guided set-up: keys checked at Kakao, zone and certificate, what is kept, and again."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator

import pytest

from infra.aws import domain, remembered, setup
from infra.aws.account import Account
from infra.aws.deploy import secrets_parameter
from infra.aws.kakao_keys import UnknownError, wrong_keys
from infra.aws.setup import Answers, Kakao, set_up
from infra.errors import InfraError
from infra.local.kakao import KakaoConfig, KakaoStandIn
from tests.unit.aws_harness import (
    KAKAO,
    REGION,
    Answering,
    emulated_account,
    identity,
    stubbed_aws,
)

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One for all tests; each has a stage of its own."""
    directory = tmp_path_factory.mktemp("aws")
    services = ("ssm", "sts", "acm", "route53")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        emulated_account(directory, monkeypatch, services=services) as made,
    ):
        yield made


_stages = itertools.count(1)


@pytest.fixture
def stage() -> str:
    return f"stage{next(_stages)}"


@pytest.fixture
def parameter(stage: str) -> str:
    return secrets_parameter(stage)


@pytest.fixture(scope="module")
def kakao() -> Iterator[Kakao]:
    """Kakao's stand-in, which knows the app of KAKAO."""
    stand_in = KakaoStandIn(
        KakaoConfig(
            port=0,
            client_id=KAKAO["kakao_client_id"],
            client_secret=KAKAO["kakao_client_secret"],
            admin_key=KAKAO["kakao_admin_key"],
            allowed_redirect_uris=("http://localhost/api/auth/kakao/callback",),
        )
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(stand_in.start(), loop).result(10)
    yield Kakao(stand_in.base_url, stand_in.base_url)
    asyncio.run_coroutine_threadsafe(stand_in.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_everything_is_asked_checked_and_kept(
    account: Account, kakao: Kakao, stage: str, parameter: str
) -> None:
    zone = account.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    person = Answering(
        REST_API_key="id-of-app",
        Client_secret="shh",
        Admin_key="administrator",
        **{"E-mail": "ops@example.com"},
        Budget="20",
        Own_domain="Chat.Example.com",
    )
    lines: list[str] = []
    values = set_up(account, stage, Answers(), person=person, report=lines.append, kakao=kakao)
    assert values["AlarmEmail"] == "ops@example.com"
    assert values["MonthlyBudget"] == "20"
    assert values["DomainName"] == "chat.example.com"
    assert values["HostedZoneId"] == zone["HostedZone"]["Id"].rsplit("/", 1)[-1]
    assert values["CertificateArn"].split(":")[3] == "us-east-1"
    assert remembered.read(account.client("ssm"), stage) == values
    assert "Kakao takes the keys" in lines
    stored = account.read_secrets(parameter)
    assert stored is not None
    assert {name: stored[name] for name in KAKAO} == KAKAO
    for secret in ("shh", "administrator", stored["identity_key"]):
        assert not [line for line in [*lines, *person.questions] if secret in line]

    # Again: Enter keeps everything, and no second certificate is asked for.
    again: list[str] = []
    quiet = Answering()
    assert (
        set_up(account, stage, Answers(), person=quiet, report=again.append, kakao=kakao) == values
    )
    assert account.read_secrets(parameter) == stored
    assert any("as they were" in line for line in again)
    assert not any("requested" in line for line in again)
    assert any("[id-o…, Enter keeps it]" in question for question in quiet.questions)
    for secret in ("id-of-app", "shh", "administrator"):
        assert not [text for text in [*again, *quiet.questions] if secret in text]


def test_without_a_terminal_options_and_what_is_known_are_enough(
    account: Account, kakao: Kakao, stage: str
) -> None:
    lines: list[str] = []
    answers = Answers(alarm_email="ops@example.com", keys=KAKAO)
    set_up(account, stage, answers, person=None, report=lines.append, kakao=kakao)
    later = Answers(monthly_budget="5")
    values = set_up(account, stage, later, person=None, report=lines.append, kakao=kakao)
    assert values == {
        "AlarmEmail": "ops@example.com",
        "MonthlyBudget": "5",
        "DomainName": "",
        "HostedZoneId": "",
        "CertificateArn": "",
    }
    gone = Answers(alarm_email="-", access_logs="ON")
    values = set_up(account, stage, gone, person=None, report=lines.append, kakao=kakao)
    assert (values["AlarmEmail"], values["AccessLogs"]) == ("", "on")


def test_without_a_key_nothing_is_stored(
    account: Account, kakao: Kakao, stage: str, parameter: str
) -> None:
    with pytest.raises(InfraError, match=r"REST API key .* is needed"):
        set_up(account, stage, Answers(), person=None, report=print, kakao=kakao)
    assert account.read_secrets(parameter) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kakao_client_id", "REST API key is no application's"),
        ("kakao_client_secret", "client secret is not"),
        ("kakao_admin_key", "admin key is not"),
    ],
)
def test_a_wrong_key_is_named_and_not_stored(
    account: Account, kakao: Kakao, name: str, said: str, stage: str, parameter: str
) -> None:
    answers = Answers(keys={**KAKAO, name: "mistyped"})
    with pytest.raises(InfraError, match=said) as caught:
        set_up(account, stage, answers, person=None, report=print, kakao=kakao)
    assert "mistyped" not in str(caught.value)
    assert account.read_secrets(parameter) is None
    insisted = Kakao(kakao.auth_url, kakao.api_url, unchecked=True)
    set_up(account, stage, answers, person=None, report=print, kakao=insisted)
    assert account.read_secrets(parameter) is not None


def test_right_keys_are_taken_with_and_without_an_admin_key(kakao: Kakao) -> None:
    where = {"auth_url": kakao.auth_url, "api_url": kakao.api_url}
    assert wrong_keys(KAKAO, **where) == []
    assert wrong_keys({**KAKAO, "kakao_admin_key": ""}, **where) == []


def test_if_kakao_does_not_answer_the_keys_are_stored_unchecked(
    account: Account, stage: str, parameter: str
) -> None:
    nobody = Kakao("http://127.0.0.1:9", "http://127.0.0.1:9")
    lines: list[str] = []
    set_up(account, stage, Answers(keys=KAKAO), person=None, report=lines.append, kakao=nobody)
    assert any("could not be checked" in line for line in lines)
    assert account.read_secrets(parameter) is not None
    with pytest.raises(UnknownError) as caught:
        wrong_keys(KAKAO, auth_url=nobody.auth_url, api_url=nobody.api_url)
    assert not [key for key in KAKAO.values() if key in str(caught.value)]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (Answers(alarm_email="nobody"), "AlarmEmail"),
        (Answers(monthly_budget="-5"), "MonthlyBudget"),
        (Answers(monthly_budget="1e3"), "MonthlyBudget"),
        (Answers(monthly_budget="1000001"), "MonthlyBudget"),
        (Answers(access_logs="yes"), "AccessLogs"),
        (Answers(domain="localhost"), "DomainName"),
        (Answers(domain="https://chat.example.com"), "DomainName"),
        (Answers(domain="-chat.example.com"), "DomainName"),
        (Answers(keys={"kakao_client_id": "two words"}), "REST API key"),
    ],
)
def test_a_malformed_answer_names_field_and_rule(
    account: Account, kakao: Kakao, answers: Answers, said: str, stage: str, parameter: str
) -> None:
    account.write_secrets(parameter, KAKAO)
    with pytest.raises(InfraError, match=said):
        set_up(account, stage, answers, person=None, report=print, kakao=kakao)
    assert answers.domain not in remembered.read(account.client("ssm"), stage).values()


@pytest.mark.parametrize("text", ["", "[]", '{"identity_key": "x"}', '{"kakao_client_id": 5}'])
def test_keys_on_standard_input_must_be_keys(text: str) -> None:
    with pytest.raises(InfraError, match="must be a JSON object"):
        setup.read_keys(text)


def test_the_longest_public_zone_is_found(account: Account) -> None:
    route53 = account.client("route53")
    for name in ("example.org", "chat.example.org", "other.org", "ample.org"):
        route53.create_hosted_zone(Name=name, CallerReference=name)
    zones = {zone["Name"]: zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]}
    found = domain.find_zone(account, "eu.chat.example.org")
    assert found is not None
    assert zones["chat.example.org."].endswith(found)
    assert domain.find_zone(account, "notexample.org") is None


@pytest.mark.parametrize(
    ("names", "name", "good"),
    [
        (["chat.example.com"], "chat.example.com", True),
        (["*.example.com"], "chat.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "a.chat.example.com", False),
        (["example.com"], "chat.example.com", False),
    ],
)
def test_a_wildcard_covers_one_label(names: list[str], name: str, good: bool) -> None:
    assert domain.covers(names, name) is good


def test_a_certificate_that_cloudfront_would_refuse_is_refused_beforehand(
    account: Account,
) -> None:
    acm = account.client("acm", "us-east-1")
    made = acm.request_certificate(DomainName="chat.example.com", ValidationMethod="DNS")
    arn = made["CertificateArn"]
    domain.check_certificate(account, "chat.example.com", arn)
    for name, wrong, said in [
        ("chat.example.com", "", "no certificate"),
        ("chat.example.com", arn.replace("us-east-1", REGION), f"is in {REGION}"),
        ("chat.example.com", arn[:-4] + "0000", "there is no certificate"),
        ("chat.example.com", "arn:aws:iam::1:role/x", "no certificate's ARN"),
        ("other.example.com", arn, "not for other.example.com"),
    ]:
        with pytest.raises(InfraError, match=said):
            domain.check_certificate(account, name, wrong)


def certificate(status: str, **more: object) -> tuple[int, str]:
    """ACM's DescribeCertificate."""
    record = {"Name": "_x.chat.example.com.", "Type": "CNAME", "Value": "_y.acm.aws."}
    option: dict[str, object] = {
        "DomainName": "chat.example.com",
        "ValidationStatus": "PENDING_VALIDATION",
    }
    body: dict[str, object] = {"DomainName": "chat.example.com", "Status": status, **more}
    # ACM names the record a moment after the request only.
    body["DomainValidationOptions"] = [
        option if more.get("early") else {**option, "ResourceRecord": record}
    ]
    body.pop("early", None)
    return 200, json.dumps({"Certificate": body})


def test_a_certificate_is_waited_for_and_its_record_put_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(domain, "PAUSE", 0.0)
    states = iter(
        [
            certificate("PENDING_VALIDATION", early=True),
            *[certificate("PENDING_VALIDATION")] * 2,
            certificate("ISSUED"),
        ]
    )

    def answer(action: str) -> tuple[int, str]:
        if action == "GetCallerIdentity":
            return identity()
        if action == "DescribeCertificate":
            return next(states)
        return 200, (
            '<ChangeResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
            "<ChangeInfo><Id>/change/1</Id><Status>PENDING</Status>"
            "<SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"
            "</ChangeResourceRecordSetsResponse>"
        )

    lines: list[str] = []
    with stubbed_aws(monkeypatch, answer) as aws:
        account = Account.from_environment(REGION)
        assert domain.validate_certificate(account, CERTIFICATE, "Z1", report=lines.append)
    assert aws.asked.count("DescribeCertificate") == 4
    assert [line for line in lines if "CNAME" in line] == [
        "put into the zone: _x.chat.example.com. CNAME _y.acm.aws."
    ]


def test_without_a_zone_the_record_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(action: str) -> tuple[int, str]:
        return identity() if action == "GetCallerIdentity" else certificate("PENDING_VALIDATION")

    lines: list[str] = []
    with stubbed_aws(monkeypatch, answer):
        account = Account.from_environment(REGION)
        assert not domain.validate_certificate(account, CERTIFICATE, None, report=lines.append)
    assert lines == ["put into the domain's DNS: _x.chat.example.com. CNAME _y.acm.aws."]


def test_a_certificate_that_failed_or_takes_too_long_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = itertools.chain(
        [certificate("FAILED", FailureReason="CAA_ERROR")],
        itertools.repeat(certificate("PENDING_VALIDATION", early=True)),
    )

    def answer(action: str) -> tuple[int, str]:
        return identity() if action == "GetCallerIdentity" else next(states)

    monkeypatch.setattr(domain, "PAUSE", 0.0)
    monkeypatch.setattr(domain, "RECORD_SECONDS", 0.0)
    with stubbed_aws(monkeypatch, answer):
        account = Account.from_environment(REGION)
        with pytest.raises(InfraError, match="FAILED: CAA_ERROR"):
            domain.validate_certificate(account, CERTIFICATE, "Z1", report=print)
        with pytest.raises(InfraError, match=r"not issued after .* goes on where it stopped"):
            domain.validate_certificate(account, CERTIFICATE, "Z1", report=print)
