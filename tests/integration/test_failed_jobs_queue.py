"""The queue of background jobs that were given up, made from the template by CloudFormation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.site import unique
from tests.support.tables import QUEUE, QUEUE_POLICY, create_stack, delete_stack, partial_template

pytestmark = pytest.mark.localstack

#: What SQS does not tell as an attribute of the same name.
NO_ATTRIBUTES = {"QueueName", "Tags"}


@pytest.fixture
def sqs() -> Any:
    return boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


@contextmanager
def queue(stack_name: str, *types: str) -> Iterator[str]:
    """The template's queue in a stack of its own; its URL."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    made = create_stack(endpoint, stack_name, partial_template(types))
    try:
        yield made["BackgroundFailures"]
    finally:
        delete_stack(endpoint, stack_name)


def test_the_queue_is_as_the_template_says(sqs: Any) -> None:
    body = partial_template([QUEUE])["Resources"]["BackgroundFailures"]["Properties"]
    wanted = {name: json.dumps(value) for name, value in body.items() if name not in NO_ATTRIBUTES}
    stack_name = unique("queue")
    queue_name = body["QueueName"]["Fn::Sub"].replace("${AWS::StackName}", stack_name)
    with queue(stack_name, QUEUE) as url:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert found["QueueArn"].endswith(f":{queue_name}")
        assert {name: found.get(name) for name in wanted} == wanted
        # What Lambda would put there can be looked at, and taken away.
        sqs.send_message(QueueUrl=url, MessageBody='{"job": "하나"}')
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
        assert message["Body"] == '{"job": "하나"}'
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=queue_name)


def test_the_queue_is_for_tls_only(sqs: Any) -> None:
    """An emulator either enforces that, and this is not TLS, or tells the policy."""
    with queue(unique("queue"), QUEUE, QUEUE_POLICY) as url:
        try:
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy", "QueueArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "AccessDenied":
                return
            raise
    (statement,) = json.loads(answer["Attributes"]["Policy"])["Statement"]
    assert (statement["Effect"], statement["Resource"]) == (
        "Deny",
        answer["Attributes"]["QueueArn"],
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
