"""What is deployed becomes the gateway's routes: read from MiniStack's apigatewayv2.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.errors import InfraError
from infra.local.emulator_process import EmulatorProcess
from infra.local.gateway.api import Api, Authorizer, Route, Throttle, read_api
from tests.unit.gateway_harness import arn

REGION = "ap-northeast-2"


def uri(name: str) -> str:
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn(name)}/invocations"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The emulator's apigatewayv2, by boto3."""
    process = EmulatorProcess(tmp_path_factory.mktemp("emulator") / "state", lambda _: None)
    with asyncio.Runner() as runner:
        runner.run(process.start())
        yield boto3.client(
            "apigatewayv2",
            endpoint_url=process.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        runner.run(process.stop())


class Made:
    """An API in the making."""

    def __init__(self, client: Any, **attributes: Any) -> None:
        self.client = client
        attributes = {"RouteSelectionExpression": "$request.body.action"} | attributes
        self.api_id = client.create_api(Name="made", ProtocolType="WEBSOCKET", **attributes)[
            "ApiId"
        ]

    def integration(self, name: str, **attributes: Any) -> str:
        kind: Any = {"IntegrationType": "AWS_PROXY", "IntegrationUri": uri(name)} | attributes
        made = self.client.create_integration(ApiId=self.api_id, **kind)
        return f"integrations/{made['IntegrationId']}"

    def route(self, key: str, target: str | None = None, **attributes: Any) -> str:
        target = target or self.integration(key.lstrip("$"))
        made = self.client.create_route(
            ApiId=self.api_id, RouteKey=key, Target=target, **attributes
        )
        return str(made["RouteId"])

    def authorizer(self, **attributes: Any) -> str:
        settings: Any = {
            "Name": "guard",
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": uri("guard"),
            "IdentitySource": ["route.request.header.Auth"],
        }
        made = self.client.create_authorizer(ApiId=self.api_id, **(settings | attributes))
        return str(made["AuthorizerId"])

    def read(self, **stage: Any) -> Api:
        self.client.create_stage(ApiId=self.api_id, StageName="prod", AutoDeploy=True, **stage)
        return read_api(self.client, self.api_id, "prod")


def test_an_api_is_read_with_all_that_counts(client: Any) -> None:
    made = Made(client, RouteSelectionExpression="${request.body.type}")
    guard = made.authorizer(IdentitySource=["route.request.header.Auth", "stageVariables.x"])
    made.route("$connect", AuthorizationType="CUSTOM", AuthorizerId=guard)
    made.route("$disconnect", AuthorizationType="NONE")
    made.route("chat", made.integration("chat", TimeoutInMillis=5000))
    made.route("ask", RouteResponseSelectionExpression="$default")
    made.route("quiet", made.integration("", IntegrationType="MOCK", IntegrationUri=""))
    # The function's own ARN is accepted, too.
    made.route("$default", made.integration("", IntegrationUri=arn("default")))
    api = made.read(
        StageVariables={"color": "blue"},
        RouteSettings={"chat": {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 2000.0}},
        DefaultRouteSettings={"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 10.0},
    )
    usual = Throttle(10.0, 5)
    assert api.routes["chat"].timeout_seconds == 5.0
    assert {route.seconds(29.0) for key, route in api.routes.items() if key != "chat"} == {29.0}
    source = ("route.request.header.Auth", "stageVariables.x")
    expected = [
        Route("$connect", arn("connect"), authorizer=Authorizer(arn("guard"), source)),
        Route("$disconnect", arn("disconnect")),
        Route("chat", arn("chat")),
        Route("ask", arn("ask"), has_response=True),
        Route("quiet", ""),
        Route("$default", arn("default")),
    ]
    assert {key: (r.function, r.has_response, r.authorizer) for key, r in api.routes.items()} == {
        r.key: (r.function, r.has_response, r.authorizer) for r in expected
    }
    assert api.routes["chat"].throttle == Throttle(2000.0, 100)
    assert {r.throttle for key, r in api.routes.items() if key != "chat"} == {usual}
    assert (api.api_id, api.stage, api.region) == (made.api_id, "prod", REGION)
    assert api.selection == "${request.body.type}"
    assert api.stage_variables == {"color": "blue"}
    assert api.select('{"type": "chat"}') is api.routes["chat"]
    assert api.arn("$connect") == (
        f"arn:aws:execute-api:{REGION}:000000000000:{made.api_id}/prod/$connect"
    )


def test_a_plain_api_has_no_limits_of_its_own(client: Any) -> None:
    made = Made(client)
    made.route("$default")
    api = made.read()
    (route,) = api.routes.values()
    assert (route.throttle, route.authorizer, route.has_response) == (None, None, False)
    assert api.stage_variables == {}
    assert route.seconds(29.0) == 29.0


def test_a_route_response_counts_without_its_expression(client: Any) -> None:
    made = Made(client)
    route_id = made.route("$default")
    client.create_route_response(ApiId=made.api_id, RouteId=route_id, RouteResponseKey="$default")
    assert made.read().routes["$default"].has_response


def test_many_routes_are_read(client: Any) -> None:
    """300 routes for each API are allowed; lists come in pages on AWS."""
    made = Made(client)
    target = made.integration("all")
    for number in range(30):
        made.route(f"route{number}", target)
    assert len(made.read().routes) == 30


class Paged:
    """A client whose lists come in pages of two."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.meta = client.meta

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not (name.startswith("get_") and name.endswith("s")):
            return method

        def page(NextToken: str = "0", **arguments: Any) -> Any:  # noqa: N803 # AWS's name
            items = method(**arguments)["Items"]
            start = int(NextToken)
            more = {"NextToken": str(start + 2)} if start + 2 < len(items) else {}
            return {"Items": items[start : start + 2], **more}

        return page


def test_all_pages_are_read(client: Any) -> None:
    made = Made(client)
    guards = [made.authorizer(Name=f"guard{number}") for number in range(3)]
    made.route("$connect", AuthorizationType="CUSTOM", AuthorizerId=guards[2])
    for key in ("a", "b", "c", "d"):
        made.route(key)
    whole = made.read()
    assert read_api(Paged(client), made.api_id, "prod") == whole  # type: ignore[arg-type]
    assert set(whole.routes) == {"$connect", "a", "b", "c", "d"}


def unsupported(client: Any, case: str) -> tuple[Made, str]:
    """An API that is refused, and what the message has to name."""
    made = Made(client)
    match case:
        case "HTTP_PROXY" | "AWS" | "HTTP":
            url = "https://example.com" if "HTTP" in case else uri("x")
            made.route("chat", made.integration("", IntegrationType=case, IntegrationUri=url))
            return made, f"route chat: integrations of type {case} are not supported here"
        case "no integration":
            made.route("chat", "integrations/unknown")
            return made, "route chat has no integration"
        case "another service":
            target = f"arn:aws:apigateway:{REGION}:sqs:path/queue"
            made.route("chat", made.integration("", IntegrationUri=target))
            return made, "route chat: .* does not name a Lambda"
        case "a variable":
            target = uri("x").replace(arn("x"), "${stageVariables.function}")
            made.route("chat", made.integration("", IntegrationUri=target))
            return made, "does not name a Lambda"
        case "IAM":
            made.route("$connect", AuthorizationType="AWS_IAM")
            return made, r"route \$connect: authorization by AWS_IAM is not supported here"
        case "an unknown authorizer":
            made.route("$connect", AuthorizationType="CUSTOM", AuthorizerId="unknown")
            return made, r"route \$connect: authorization by CUSTOM"
        case _:
            made = Made(client, RouteSelectionExpression="$request.header.x")
            made.route("$default")
            return made, "selection expression .* not supported here"


@pytest.mark.parametrize(
    "case",
    [
        *("HTTP_PROXY", "HTTP", "AWS", "no integration", "another service", "a variable", "IAM"),
        *("an unknown authorizer", "another selection"),
    ],
)
def test_what_is_not_supported_is_told(client: Any, case: str) -> None:
    made, message = unsupported(client, case)
    with pytest.raises(InfraError, match=message):
        made.read()


@pytest.mark.parametrize("missing", ["api", "stage"])
def test_what_is_not_there_is_told(client: Any, missing: str) -> None:
    made = Made(client)
    api_id, stage = ("unknown123", "prod") if missing == "api" else (made.api_id, "unknown")
    with pytest.raises(InfraError, match=f"no WebSocket API {api_id} with a stage {stage}"):
        read_api(client, api_id, stage)
