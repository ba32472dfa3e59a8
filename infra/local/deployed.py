"""What is deployed on the emulator, as its own APIs tell: names, ids and addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra.errors import InfraError

#: A stage that is served without its name in the path.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html
DEFAULT_STAGE: Final = "$default"

#: Makes (or has made) the client of a service.
Clients = Callable[[str], Any]


@dataclass(frozen=True)
class ApiStage:
    """A stage of an API."""

    api_id: str
    stage: str


@dataclass(frozen=True)
class Schedule:
    """A Lambda that is invoked by the clock.

    `source`: ARN of the rule or schedule. `payload`: what the Lambda gets instead of
    EventBridge's event, as JSON.
    """

    name: str
    expression: str
    function: str
    source: str
    payload: str | None = None


@dataclass(frozen=True)
class Deployed:
    """Where the deployed things are.

    `functions`: names of the Lambdas, by logical id. `http`: stages of REST and HTTP APIs.
    """

    endpoint: str
    outputs: Mapping[str, str]
    functions: Mapping[str, str]
    websocket: ApiStage
    http: tuple[ApiStage, ...] = ()
    schedules: tuple[Schedule, ...] = field(default=())

    def execute_url(self, stage: ApiStage) -> str:
        """Where the emulator serves a stage."""
        return f"{self.endpoint}/_aws/execute-api/{stage.api_id}/{stage.stage}"


def read_deployed(clients: Clients, endpoint: str, stack_name: str) -> Deployed:
    """Look at what a stack has made.

    Raises:
        InfraError: its WebSocket API has no stage, or several.
    """
    cloudformation = clients("cloudformation")
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    resources = list(_resources(cloudformation, stack_name))
    websocket, http = _stages(clients, resources)
    return Deployed(
        endpoint,
        {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])},
        {
            item["LogicalResourceId"]: item["PhysicalResourceId"]
            for item in resources
            if item["ResourceType"] == "AWS::Lambda::Function"
        },
        websocket,
        tuple(http),
        tuple(_schedules(clients, resources)),
    )


def _resources(cloudformation: Any, stack_name: str) -> Iterator[Mapping[str, str]]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    for page in pages:
        for item in page["StackResourceSummaries"]:
            if item.get("PhysicalResourceId"):
                yield item


def _ids(resources: list[Mapping[str, str]], kind: str) -> Iterator[str]:
    for item in resources:
        if item["ResourceType"] == kind:
            yield item["PhysicalResourceId"]


def _stages(
    clients: Clients, resources: list[Mapping[str, str]]
) -> tuple[ApiStage, list[ApiStage]]:
    """The WebSocket API's stage, and those of the other APIs."""
    websocket: list[ApiStage] = []
    http: list[ApiStage] = []
    for api_id in _ids(resources, "AWS::ApiGatewayV2::Api"):
        api = clients("apigatewayv2").get_api(ApiId=api_id)
        stages = clients("apigatewayv2").get_stages(ApiId=api_id)["Items"]
        found = websocket if api["ProtocolType"] == "WEBSOCKET" else http
        found += [ApiStage(api_id, stage["StageName"]) for stage in stages]
    for api_id in _ids(resources, "AWS::ApiGateway::RestApi"):
        stages = clients("apigateway").get_stages(restApiId=api_id)["item"]
        http += [ApiStage(api_id, stage["stageName"]) for stage in stages]
    if len(websocket) != 1:
        names = ", ".join(stage.stage for stage in websocket)
        raise InfraError(
            f"the WebSocket API has {len(websocket)} stages{f' ({names})' if names else ''}, "
            "and one port serves exactly one"
        )
    return websocket[0], http


def _schedules(clients: Clients, resources: list[Mapping[str, str]]) -> Iterator[Schedule]:
    """Rules with a schedule, and EventBridge Scheduler's schedules, for Lambdas."""
    for item in resources:
        name = item["PhysicalResourceId"]
        if item["ResourceType"] == "AWS::Events::Rule":
            name = name.split("|")[-1].rsplit("/", 1)[-1]  # a bus or an ARN may precede it
            rule = clients("events").describe_rule(Name=name)
            if rule.get("ScheduleExpression"):
                for target in clients("events").list_targets_by_rule(Rule=name)["Targets"]:
                    yield from _schedule(item, rule["ScheduleExpression"], rule["Arn"], target)
        elif item["ResourceType"] == "AWS::Scheduler::Schedule":
            found = clients("scheduler").get_schedule(Name=name.rsplit("/", 1)[-1])
            yield from _schedule(item, found["ScheduleExpression"], found["Arn"], found["Target"])


def _schedule(
    item: Mapping[str, str], expression: str, arn: str, target: Mapping[str, Any]
) -> Iterator[Schedule]:
    if ":lambda:" in target["Arn"]:
        yield Schedule(
            item["LogicalResourceId"], expression, target["Arn"], arn, target.get("Input")
        )
