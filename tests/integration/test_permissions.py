"""What a Lambda's role does not allow is refused as on AWS, and told with what would allow it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.aws.template import merge_template
from infra.local.permission_modes import USED_NAME
from tests.integration.test_any_app import AnyApp, running
from tests.support import rights, rights_used
from tests.support.handlers import HandlerSite
from tests.support.site import new_person, unique

Json = dict[str, Any]

#: A key that nothing has; to read it is allowed or not all the same.
KEY = {"id": {"S": "x"}}


class Roles:
    """The running app `roles`: a Lambda that calls what it is told to, with the role it has."""

    def __init__(self, app: AnyApp) -> None:
        self.app = app
        stacks = app.client("cloudformation").describe_stacks()["Stacks"]
        outputs = next(stack["Outputs"] for stack in stacks if stack.get("Outputs"))
        self.names = {output["OutputKey"]: output["OutputValue"] for output in outputs}
        self._iam = app.client("iam")

    def arn(self, table: str) -> str:
        found = self.app.client("dynamodb").describe_table(TableName=self.names[table])
        arn: str = found["Table"]["TableArn"]
        return arn

    def allow(self, *statements: Json) -> None:
        """Have these statements be the role's only ones."""
        document = {"Version": "2012-10-17", "Statement": [*statements]}
        self._iam.put_role_policy(
            RoleName=self.names["CallerRole"],
            PolicyName="of-the-test",
            PolicyDocument=json.dumps(document),
        )

    def call(self, service: str, operation: str, function: str = "Caller", **arguments: Any) -> Any:
        """What a Lambda's call is answered: {} if it was done."""
        event = {"service": service, "operation": operation, "arguments": arguments}
        return self.invoke(event, function)

    def invoke(self, event: Json, function: str = "Caller") -> Any:
        answer = self.app.client("lambda").invoke(
            FunctionName=self.names[function], Payload=json.dumps(event)
        )
        return json.loads(answer["Payload"].read())

    def get(self, table: str = "Things", function: str = "Caller") -> Any:
        return self.call("dynamodb", "get_item", function, TableName=self.names[table], Key=KEY)

    @property
    def log(self) -> str:
        return self.app.log_path.read_text()

    def refusal(self, action: str, resource: str) -> Json:
        """DynamoDB's answer to what no policy allows."""
        account = resource.split(":")[4]
        session = f"assumed-role/{self.names['CallerRole']}/{self.names['Caller']}"
        user = f"arn:aws:sts::{account}:{session}"
        why = f"because no identity-based policy allows the {action} action"
        text = f"User: {user} is not authorized to perform: {action} on resource: {resource} {why}"
        return {"status": 400, "code": "AccessDeniedException", "text": text}


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    for app in running(tmp_path_factory.mktemp("roles"), "roles", "--no-watch"):
        yield Roles(app)


def allowing(action: str | list[str], resource: str | list[str], **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_what_is_allowed_is_done(roles: Roles) -> None:
    roles.allow(allowing("dynamodb:GetItem", roles.arn("Things")))
    assert roles.get() == {}
    assert roles.get() == {}


def test_what_nothing_allows_is_refused_and_told_with_the_statement(roles: Roles) -> None:
    table = roles.arn("Things")
    roles.allow(allowing("dynamodb:GetItem", table))
    for _ in range(3):
        refused = roles.call("dynamodb", "delete_item", TableName=roles.names["Things"], Key=KEY)
        assert refused == roles.refusal("dynamodb:DeleteItem", table)
    told = roles.log
    # Once is enough, until it was allowed in between.
    line = f"Caller may not do dynamodb:DeleteItem on {table}"
    assert told.count(line) == 1
    for resource in (table, roles.arn("Others")):
        roles.allow(allowing("dynamodb:DeleteItem", resource))
        roles.call("dynamodb", "delete_item", TableName=roles.names["Things"], Key=KEY)
    assert roles.log.count(line) == 2
    assert "no statement of CallerRole allows it; this would:" in told
    statement = "- Effect: Allow\n{0}Action: dynamodb:DeleteItem\n{0}Resource: !GetAtt Things.Arn"
    assert statement.format(" " * 16) in told


def test_another_table_is_another_resource(roles: Roles) -> None:
    roles.allow(allowing("dynamodb:GetItem", roles.arn("Things")))
    assert roles.get("Others") == roles.refusal("dynamodb:GetItem", roles.arn("Others"))


def test_an_index_is_a_resource_of_its_own(roles: Roles) -> None:
    table = roles.arn("Things")
    query = {
        "TableName": roles.names["Things"],
        "IndexName": "by_owner",
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {":o": {"S": "x"}},
    }
    roles.allow(allowing("dynamodb:Query", table))
    refusal = roles.refusal("dynamodb:Query", f"{table}/index/by_owner")
    assert roles.call("dynamodb", "query", **query) == refusal
    assert 'Resource: !Sub "${Things.Arn}/index/by_owner"' in roles.log
    roles.allow(allowing("dynamodb:Query", f"{table}/index/*"))
    assert roles.call("dynamodb", "query", **query) == {}


@pytest.mark.parametrize("operation", ["batch_get_item", "batch_write_item"])
def test_a_batch_needs_its_action_on_each_table(roles: Roles, operation: str) -> None:
    action = {"batch_get_item": "BatchGetItem", "batch_write_item": "BatchWriteItem"}[operation]
    part: Any = (
        {"Keys": [KEY]} if operation == "batch_get_item" else [{"DeleteRequest": {"Key": KEY}}]
    )
    asked = {roles.names["Things"]: part, roles.names["Others"]: part}
    roles.allow(allowing(f"dynamodb:{action}", roles.arn("Things")))
    refusal = roles.refusal(f"dynamodb:{action}", roles.arn("Others"))
    assert roles.call("dynamodb", operation, RequestItems=asked) == refusal
    roles.allow(allowing(f"dynamodb:{action}", [roles.arn("Things"), roles.arn("Others")]))
    assert roles.call("dynamodb", operation, RequestItems=asked) == {}


def test_a_transaction_needs_what_its_parts_need(roles: Roles) -> None:
    things, others = roles.names["Things"], roles.names["Others"]
    parts = [
        {"Put": {"TableName": things, "Item": KEY}},
        {
            "ConditionCheck": {
                "TableName": others,
                "Key": KEY,
                "ConditionExpression": "attribute_not_exists(id)",
            }
        },
    ]
    roles.allow(
        allowing("dynamodb:PutItem", roles.arn("Things")),
        # Of the same name, but no action of IAM's.
        allowing("dynamodb:TransactWriteItems", "*"),
    )
    refusal = roles.refusal("dynamodb:ConditionCheckItem", roles.arn("Others"))
    assert roles.call("dynamodb", "transact_write_items", TransactItems=parts) == refusal
    roles.allow(
        allowing("dynamodb:PutItem", roles.arn("Things")),
        allowing("dynamodb:ConditionCheckItem", roles.arn("Others")),
    )
    assert roles.call("dynamodb", "transact_write_items", TransactItems=parts) == {}


def test_actions_and_resources_may_have_wildcards(roles: Roles) -> None:
    roles.allow(allowing("dynamodb:Get*", roles.arn("Things")[:-3] + "*"))
    assert roles.get() == {}
    roles.allow(allowing("dynamodb:*", "*"))
    assert roles.get("Others") == {}
    roles.allow(allowing("dynamodb:Get?", "*"))
    assert roles.get()["code"] == "AccessDeniedException"


def test_a_denial_beats_what_is_allowed(roles: Roles) -> None:
    table = roles.arn("Things")
    denied = {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": table}
    roles.allow(allowing("dynamodb:*", "*"), denied)
    text = roles.get()["text"]
    assert text.endswith("with an explicit deny in an identity-based policy")
    assert "a statement of CallerRole with Effect: Deny denies it" in roles.log


def test_a_changed_policy_counts_at_once(roles: Roles) -> None:
    statement = allowing("dynamodb:GetItem", roles.arn("Things"))
    for _ in range(2):
        roles.allow(statement)
        assert roles.get() == {}
        assert roles.get() == {}
        roles.allow(allowing("dynamodb:Scan", "*"))
        assert roles.get()["code"] == "AccessDeniedException"


def test_what_an_unknown_managed_policy_allows_is_let_pass_and_said_once(roles: Roles) -> None:
    assert roles.get(function="Unknown") == {}
    assert roles.get("Others", function="Unknown") == {}
    told = "policy/AmazonBraketFullAccess allows is not known here; everything is let pass"
    assert roles.log.count(told) == 1


def test_a_condition_on_a_key_that_is_unknown_here_is_not_evaluated(roles: Roles) -> None:
    leading = {"StringEquals": {"dynamodb:LeadingKeys": ["somebody else's"]}}
    roles.allow(allowing("dynamodb:GetItem", "*", Condition=leading))
    assert roles.get() == {}
    assert roles.get() == {}
    told = "dynamodb:GetItem's condition on dynamodb:LeadingKeys is not evaluated here"
    assert roles.log.count(told) == 1


def test_a_condition_that_is_known_is_evaluated(roles: Roles) -> None:
    for region, outcome in (("eu-north-1", "AccessDeniedException"), (None, None)):
        here = {"StringEquals": {"aws:RequestedRegion": region or roles.app.ready["region"]}}
        roles.allow(allowing("dynamodb:GetItem", "*", Condition=here))
        assert roles.get().get("code") == outcome


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action", "status"),
    [
        ("ssm", "get_parameter", {"Name": "/x"}, "ssm:GetParameter", 400),
        ("lambda", "invoke", {"FunctionName": "x"}, "lambda:InvokeFunction", 403),
        ("sqs", "send_message", {"QueueUrl": "x", "MessageBody": "x"}, "sqs:SendMessage", 403),
        ("dynamodb", "create_backup", {"TableName": "x", "BackupName": "xyz"}, "", 400),
    ],
)
def test_other_services_refuse_too(
    roles: Roles, service: str, operation: str, arguments: Json, action: str, status: int
) -> None:
    roles.allow(allowing("logs:PutLogEvents", "*"))
    refused = roles.call(service, operation, **arguments)
    assert "AccessDenied" in refused["code"]
    assert refused["status"] == status
    assert f"is not authorized to perform: {action}" in refused["text"]
    assert "on resource: arn:aws:" in refused["text"]


def test_posts_to_connections_need_their_permission(roles: Roles) -> None:
    post = {
        "service": "apigatewaymanagementapi",
        "operation": "post_to_connection",
        "endpoint": roles.app.ready["management_endpoint"],
        "arguments": {"ConnectionId": "bm9ib2R5=", "Data": "x"},
    }
    roles.allow(allowing("dynamodb:*", "*"))
    assert roles.invoke(post)["status"] == 403
    assert "may not do execute-api:ManageConnections on arn:aws:execute-api:" in roles.log


def test_it_is_written_down_what_a_role_was_used_for(roles: Roles) -> None:
    roles.allow(allowing("dynamodb:GetItem", roles.arn("Things")))
    roles.get()
    roles.get()
    roles.get("Others")
    text = (roles.app.state_dir / USED_NAME).read_text()
    used = {"role": roles.names["CallerRole"], "function": roles.names["Caller"]}
    used["action"] = "dynamodb:GetItem"
    # Once, however often it was done.
    for table, is_allowed in (("Things", True), ("Others", False)):
        line = json.dumps({**used, "resource": roles.arn(table), "allowed": is_allowed})
        assert text.splitlines().count(line) == 1


def test_it_can_be_only_told(tmp_path: Path) -> None:
    for app in running(tmp_path, "roles", "--no-watch", "--permissions", "warn"):
        roles = Roles(app)
        roles.allow(allowing("logs:PutLogEvents", "*"))
        assert roles.get() == {}
        assert roles.get() == {}
        assert roles.log.count("could not do on AWS dynamodb:GetItem on") == 1
        # A signature is checked all the same.
        client = boto3.client(
            "dynamodb",
            endpoint_url=app.ready["aws_endpoint"],
            region_name=app.ready["region"],
            aws_access_key_id="AKIAUNKNOWN",
            aws_secret_access_key="x",
        )
        with pytest.raises(client.exceptions.ClientError, match="UnrecognizedClient"):
            client.list_tables()


@pytest.mark.localstack
def test_what_handlers_in_this_process_do_is_noted(
    handlers: HandlerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights_used, "USED", set())
    host, guest = (new_person(handlers).chat() for _ in range(2))
    room_id = host.ask("room.open", name=unique("noted"))["room"]["room_id"]
    guest.ask("room.enter", room_id=room_id)
    host.ask("chat.send", room_id=room_id, text="hello", cid=unique("cid"))
    guest.transport.close()
    handlers.management.finish_jobs()
    used = rights_used.USED
    assert {right.function for right in used} >= {"api", "connect", "message", "disconnect"}
    for service in ("dynamodb", "execute-api"):
        assert [right for right in used if right.function == "message" and service in right.action]
    assert rights.missing(used, rights.allowed(merge_template())) == []
