"""DynamoDB's attribute values, short; and errors as an emulator told them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

Json: TypeAlias = dict[str, Any]


def s(text: str) -> Json:
    """A string."""
    return {"S": text}


def n(number: int | str) -> Json:
    """A number."""
    return {"N": str(number)}


def ss(*texts: str) -> Json:
    """A set of strings."""
    return {"SS": list(texts)}


def numbers(*values: int) -> Json:
    """A list of numbers."""
    return {"L": [n(value) for value in values]}


@dataclass
class Refusal:
    """An error answer; filled when the block that expects it is left."""

    status: int = 0
    code: str = ""
    message: str = ""
    body: Json = field(default_factory=dict)

    @property
    def reasons(self) -> list[str]:
        """Of a cancelled transaction, per action."""
        return [reason["Code"] for reason in self.body.get("CancellationReasons", [])]


def refusal_of(error: ClientError) -> Refusal:
    """What botocore read."""
    body: Any = error.response
    told = body["Error"]
    return Refusal(
        body["ResponseMetadata"]["HTTPStatusCode"], told["Code"], told.get("Message", ""), body
    )


@contextmanager
def refused(code: str, status: int = 400) -> Iterator[Refusal]:
    """The block's call must be refused with this code."""
    told = Refusal()
    with pytest.raises(ClientError) as caught:
        yield told
    found = refusal_of(caught.value)
    assert (found.code, found.status) == (code, status), found.message
    told.__dict__.update(found.__dict__)


def at_once(jobs: Sequence[Callable[[], object]]) -> list[Refusal | None]:
    """Run jobs in threads that begin together; per job its refusal, or None."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> Refusal | None:
        barrier.wait(30)
        try:
            job()
        except ClientError as error:
            return refusal_of(error)
        return None

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def pages(call: Callable[..., Json], **arguments: Any) -> list[Json]:
    """All pages of a Query."""
    found = [call(**arguments)]
    while after := found[-1].get("LastEvaluatedKey"):
        found.append(call(**arguments, ExclusiveStartKey=after))
    return found


def items(answers: Sequence[Mapping[str, Any]]) -> list[Json]:
    """The items of all pages."""
    return [item for answer in answers for item in answer["Items"]]
