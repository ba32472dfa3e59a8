"""A domain of one's own: its Route 53 zone and its certificate.

CloudFront takes certificates of us-east-1 only, wherever the stack is:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.aws.account import Account
from infra.aws.console import clock_text
from infra.aws.refusals import code_of
from infra.aws.stack_events import Report, silent
from infra.errors import InfraError

CERTIFICATE_REGION: Final = "us-east-1"

#: A name of at least two labels, as RFC 1035, 2.3.1 (with RFC 1123's leading digits).
DOMAIN: Final = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)

#: How often ACM is asked, and when waiting is given up, in seconds. It takes minutes once the
#: record is there, and ACM goes on looking for three days.
PAUSE: Final = 5.0
WAIT_SECONDS: Final = 1800.0
#: ACM needs a moment after the request to say which record it wants.
RECORD_SECONDS: Final = 60.0


def covers(names: Iterable[str], domain: str) -> bool:
    """Whether a certificate for these names is good for a domain (RFC 6125, 6.4.3)."""
    _, _, parent = domain.partition(".")
    return any(name.lower() in (domain, f"*.{parent}") for name in names)


def check_certificate(account: Account, domain: str, arn: str) -> None:
    """See beforehand what CloudFront would refuse after minutes.

    Raises:
        InfraError: the certificate is missing, in another Region, not issued, or not for the
            domain.
    """
    again = "`make setup-aws` finds or requests the right one."
    if not arn:
        raise InfraError(f"the domain {domain} has no certificate (CertificateArn). {again}")
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "acm":
        raise InfraError(f"CertificateArn: {arn} is no certificate's ARN. {again}")
    if parts[3] != CERTIFICATE_REGION:
        raise InfraError(
            f"the certificate {arn} is in {parts[3]}; CloudFront takes certificates of "
            f"{CERTIFICATE_REGION} only. {again}"
        )
    try:
        found = describe_certificate(account, arn)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        raise InfraError(f"there is no certificate {arn} in this account. {again}") from error
    names = certificate_names(found)
    if not covers(names, domain):
        raise InfraError(
            f"the certificate {arn} is for {', '.join(names)}, not for {domain}. {again}"
        )
    if found["Status"] != "ISSUED":
        raise InfraError(
            f"the certificate for {domain} is {found['Status']}, not ISSUED: its validation record "
            f"must be in the domain's DNS. {again}"
        )


def describe_certificate(account: Account, arn: str) -> dict[str, Any]:
    """What ACM tells of a certificate. Raises ClientError."""
    acm = account.client("acm", CERTIFICATE_REGION)
    return dict(acm.describe_certificate(CertificateArn=arn)["Certificate"])


def certificate_names(certificate: dict[str, Any]) -> list[str]:
    """The names that a certificate is for."""
    names = [certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])]
    return list(dict.fromkeys(names))


def find_zone(account: Account, domain: str) -> str | None:
    """The id of the public Route 53 zone that a domain is in; the longest, if several are."""
    zones = [
        (zone["Name"].rstrip("."), zone["Id"].rsplit("/", 1)[-1])
        for page in account.client("route53").get_paginator("list_hosted_zones").paginate()
        for zone in page["HostedZones"]
        if not zone.get("Config", {}).get("PrivateZone")
    ]
    fitting = [zone for zone in zones if domain == zone[0] or domain.endswith(f".{zone[0]}")]
    return max(fitting, key=lambda zone: len(zone[0]))[1] if fitting else None


def find_certificate(account: Account, domain: str) -> str | None:
    """A certificate for the domain that is issued or about to be; issued ones first."""
    acm = account.client("acm", CERTIFICATE_REGION)
    pages = acm.get_paginator("list_certificates").paginate(
        CertificateStatuses=["ISSUED", "PENDING_VALIDATION"]
    )
    found: list[tuple[bool, str]] = []
    for page in pages:
        for item in page["CertificateSummaryList"]:
            certificate = describe_certificate(account, item["CertificateArn"])
            if covers(certificate_names(certificate), domain):
                found.append((certificate["Status"] != "ISSUED", item["CertificateArn"]))
    return min(found)[1] if found else None


def request_certificate(account: Account, domain: str) -> str:
    """Ask ACM for a certificate, to be validated by a DNS record; its ARN."""
    acm = account.client("acm", CERTIFICATE_REGION)
    return str(
        acm.request_certificate(
            DomainName=domain,
            ValidationMethod="DNS",
            # The same request within an hour gives the same certificate.
            IdempotencyToken=re.sub(r"\W", "", domain)[:32],
            Tags=[{"Key": "app", "Value": "pingpong"}],
        )["CertificateArn"]
    )


def _records(certificate: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of the CNAME records that ACM wants to see."""
    for option in certificate.get("DomainValidationOptions", []):
        record = option.get("ResourceRecord")
        if record and option.get("ValidationStatus") != "SUCCESS":
            yield record["Name"], record["Value"]


def validate_certificate(
    account: Account,
    arn: str,
    zone_id: str | None,
    *,
    report: Report,
    live: Report = silent,
) -> bool:
    """Put the validation record into the zone, and wait until the certificate is issued.

    Args:
        zone_id: without one the record is only told, for a DNS elsewhere, and not waited for.

    Returns:
        Whether it is issued.

    Raises:
        InfraError: ACM gives it up, or it takes too long.
    """
    started = time.monotonic()
    told: set[tuple[str, str]] = set()
    while True:
        certificate = describe_certificate(account, arn)
        status = certificate["Status"]
        if status == "ISSUED":
            live("")
            report(f"the certificate is issued: {arn}")
            return True
        if status != "PENDING_VALIDATION":
            reason = certificate.get("FailureReason", "no reason given")
            raise InfraError(f"the certificate {arn} is {status}: {reason}")
        elapsed = time.monotonic() - started
        for name, value in _records(certificate):
            if (name, value) in told:
                continue
            told.add((name, value))
            if zone_id is None:
                report(f"put into the domain's DNS: {name} CNAME {value}")
            else:
                _put_record(account, zone_id, name, value)
                report(f"put into the zone: {name} CNAME {value}")
        if zone_id is None and told:
            return False
        if elapsed > (WAIT_SECONDS if told else RECORD_SECONDS):
            raise InfraError(
                f"the certificate is not issued after {clock_text(elapsed)}; ACM goes on looking. "
                "Does the domain's registrar name this zone's name servers? Repeat the command "
                "later: it goes on where it stopped."
            )
        live(f"{clock_text(elapsed)}  ACM looks for the record")
        time.sleep(PAUSE)


def _put_record(account: Account, zone_id: str, name: str, value: str) -> None:
    account.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": name,
                        "Type": "CNAME",
                        "TTL": 300,
                        "ResourceRecords": [{"Value": value}],
                    },
                }
            ]
        },
    )
