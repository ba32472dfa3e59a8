"""First-time set-up of a stage: asks for all that a deployment can't know, and keeps it.

It can be repeated: what is known is offered, and what is there already is left alone. Without a
terminal the answers come from options and standard input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from infra.aws import domain as domains
from infra.aws import kakao_keys, remembered
from infra.aws.account import Account
from infra.aws.deploy import secrets_parameter
from infra.aws.stack_events import Report, silent
from infra.errors import InfraError

#: Typed to take away what was chosen.
NONE: Final = "-"
EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}")
#: As much as the template's parameter takes, and SMTP (RFC 5321, 4.5.3.1.3, without < and >).
EMAIL_MAX: Final = 254
BUDGET_MAX: Final = 1_000_000
#: The site's origin is `https://` and this; as much as the template's SiteOrigin takes.
DOMAIN_MAX: Final = 72

#: Kakao's keys: their questions, and what it means to have none.
KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "kakao_client_id": ("REST API key", ""),
    "kakao_client_secret": ("Client secret (Kakao Login → Security)", "it is switched off there"),
    "kakao_admin_key": ("Admin key", "Kakao's unlink callback is refused"),
}


class Person(Protocol):
    """Whoever answers."""

    def ask(self, question: str) -> str:
        """An answer that may be seen."""

    def ask_secret(self, question: str) -> str:
        """An answer that is not shown."""


@dataclass(frozen=True)
class Answers:
    """What is given beforehand; None: not given. "" or "-" takes a choice away."""

    domain: str | None = None
    alarm_email: str | None = None
    monthly_budget: str | None = None
    #: "on" or "off".
    access_logs: str | None = None
    #: Kakao's keys, those that are to change.
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kakao:
    """Where Kakao is asked about the keys."""

    auth_url: str = kakao_keys.AUTH_URL
    api_url: str = kakao_keys.API_URL
    #: Keys are stored although Kakao says that they are wrong.
    unchecked: bool = False


def set_up(
    account: Account,
    stage: str,
    answers: Answers,
    *,
    person: Person | None,
    report: Report,
    live: Report = silent,
    kakao: Kakao | None = None,
) -> dict[str, str]:
    """Ask, check, and store keys and choices of a stage.

    Args:
        person: is asked what `answers` does not have; without one it stays as it is.

    Returns:
        The template's parameters that were chosen.

    Raises:
        InfraError: an answer is wrong; what was answered before it is stored.
    """
    report(f"account {account.id} as {account.arn.rsplit('/', 1)[-1]}, Region {account.region}")
    set_keys(account, stage, answers.keys, person=person, report=report, kakao=kakao or Kakao())
    ssm = account.client("ssm")
    known = remembered.read(ssm, stage)

    def chosen(
        name: str, given: str | None, question: str, check: Callable[[str], str], without: str = ""
    ) -> str:
        current = known.get(name, without)
        if given is None and person is not None:
            shown = f" [{current}; {NONE} for none]" if current else " [none]"
            given = person.ask(f"{question}{shown}: ").strip() or current
        if given is None:
            return current
        value = without if given in ("", NONE) else check(given)
        remembered.write(ssm, stage, {name: value})
        return value

    chosen("AlarmEmail", answers.alarm_email, "E-mail address for alarms", email)
    # Of Type Number: CloudFormation takes no empty text for it.
    chosen("MonthlyBudget", answers.monthly_budget, "Budget a month, in dollars", budget, "0")
    chosen("AccessLogs", answers.access_logs, "Access logs of the APIs, on or off", switch, "off")
    name = chosen("DomainName", answers.domain, "Own domain of the site", domain_name)
    # Also when the name is as it was: the certificate may have waited for its record.
    remembered.write(ssm, stage, set_domain(account, name, report=report, live=live))
    values = remembered.read(ssm, stage)
    report(f"kept in {remembered.parameter_name(stage)}; next: make deploy STAGE={stage}")
    return values


def set_keys(
    account: Account,
    stage: str,
    given: Mapping[str, str],
    *,
    person: Person | None,
    report: Report,
    kakao: Kakao,
) -> None:
    """Ask for Kakao's keys, have Kakao check them, and store them.

    Raises:
        InfraError: there is no REST API key, or Kakao says that a key is wrong.
    """
    parameter = secrets_parameter(stage)
    stored = account.read_secrets(parameter) or {}
    keys: dict[str, str] = {}
    for name, (title, without) in KEYS.items():
        value = given.get(name)
        if value is None and person is not None:
            value = person.ask_secret(f"{title} {_shown(name, stored, without)}: ").strip()
            value = {"": stored.get(name, ""), NONE: ""}.get(value, value)
        keys[name] = _key(title, stored.get(name, "") if value is None else value)
    if not keys["kakao_client_id"]:
        raise InfraError(
            "the REST API key of the application at https://developers.kakao.com is needed; "
            "nothing was stored. Without a terminal: `--keys-from-stdin`, docs/deploy.md."
        )
    try:
        wrong = kakao_keys.wrong_keys(keys, auth_url=kakao.auth_url, api_url=kakao.api_url)
    except kakao_keys.UnknownError as error:
        report(f"the keys could not be checked, which is no obstacle: {error}")
    else:
        if wrong and not kakao.unchecked:
            raise InfraError(
                "Kakao does not take these keys; they were not stored:\n  " + "\n  ".join(wrong)
            )
        report("Kakao takes the keys" if not wrong else f"not as Kakao says: {'; '.join(wrong)}")
    if any(stored.get(name) != value for name, value in keys.items()):
        account.write_secrets(parameter, keys)
        report(f"the keys are stored in {parameter}")
    else:
        report(f"the keys in {parameter} are as they were")


def _shown(name: str, stored: Mapping[str, str], without: str) -> str:
    """What is known of a key: the first characters of the one that browsers see anyway."""
    none = f"; {NONE} for none: {without}" if without else ""
    if not stored.get(name):
        return f"[none{none}]" if without else "[needed]"
    value = stored[name]
    masked = f"{value[:4]}…" if name == "kakao_client_id" and len(value) > 8 else "stored"
    return f"[{masked}, Enter keeps it{none}]"


def _key(title: str, value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{0,200}", value):
        raise InfraError(f"{title}: must be printable ASCII without spaces")
    return value


def read_keys(text: str) -> dict[str, str]:
    """Keys from standard input, JSON.

    Raises:
        InfraError: it is something else; without repeating it.
    """
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(
        name in KEYS and isinstance(value, str) for name, value in found.items()
    ):
        raise InfraError(
            f"standard input must be a JSON object with some of {', '.join(KEYS)} as texts"
        )
    return found


def email(text: str) -> str:
    """An e-mail address. Raises InfraError."""
    if not EMAIL.fullmatch(text):
        raise InfraError(f"AlarmEmail: {text!r} is no e-mail address")
    if len(text) > EMAIL_MAX:
        raise InfraError(f"AlarmEmail: must have at most {EMAIL_MAX} characters")
    return text


def budget(text: str) -> str:
    """Whole dollars. Raises InfraError."""
    if not (text.isascii() and text.isdigit()) or int(text) > BUDGET_MAX:
        raise InfraError(f"MonthlyBudget: must be whole dollars from 0 to {BUDGET_MAX}")
    return str(int(text))


def switch(text: str) -> str:
    """`on` or `off`. Raises InfraError."""
    if text.lower() not in ("on", "off"):
        raise InfraError(f"AccessLogs: must be on or off, not {text!r}")
    return text.lower()


def domain_name(text: str) -> str:
    """A domain's name in lower case. Raises InfraError."""
    name = text.lower().rstrip(".")
    if not domains.DOMAIN.fullmatch(name):
        raise InfraError(f"DomainName: {text!r} is no domain name, such as chat.example.com")
    if len(name) > DOMAIN_MAX:
        raise InfraError(f"DomainName: must have at most {DOMAIN_MAX} characters, not {len(name)}")
    return name


def set_domain(
    account: Account, name: str, *, report: Report, live: Report = silent
) -> dict[str, str]:
    """Find zone and certificate of a domain, or request the certificate; wait for it.

    Returns:
        The template's parameters for the domain, empty texts without one.

    Raises:
        InfraError: the certificate is refused or not issued in time; repeating goes on there.
    """
    if not name:
        return {"DomainName": "", "HostedZoneId": "", "CertificateArn": ""}
    zone = domains.find_zone(account, name)
    report(
        f"{name} is in the Route 53 zone {zone}"
        if zone
        else f"no Route 53 zone of this account has {name}: its DNS is set by hand"
    )
    arn = domains.find_certificate(account, name)
    if arn is None:
        arn = domains.request_certificate(account, name)
        report(f"requested a certificate in {domains.CERTIFICATE_REGION}: {arn}")
    if not domains.validate_certificate(account, arn, zone, report=report, live=live):
        report("once the certificate is issued (minutes after the record is there), deploy")
    return {"DomainName": name, "HostedZoneId": zone or "", "CertificateArn": arn}
