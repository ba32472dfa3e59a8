"""HTTP APIs as SAM describes them, deployed to the emulator."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import requests

from infra.local.apps.build import Build
from infra.local.deployed import Deployed
from infra.local.deployment import Deployment
from infra.local.emulator_process import EmulatorProcess

SECONDS = 20
ORIGIN = "https://shop.example"

TELL = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps([event["version"], event.get("routeKey")])}
"""
ALLOW = """
def handler(event, context):
    return {"isAuthorized": event["headers"]["authorization"] == "open sesame"}
"""


def function(code: str, **events: Any) -> dict[str, Any]:
    properties = {"Runtime": "python3.11", "Handler": "index.handler", "InlineCode": code}
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            **properties,
            "Events": {
                name: {"Type": "HttpApi", "Properties": event} for name, event in events.items()
            },
        },
    }


def web(**event: Any) -> dict[str, Any]:
    return {"ApiId": {"Ref": "Web"}, **event}


TEMPLATE: dict[str, Any] = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Socket": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": "socket",
                "ProtocolType": "WEBSOCKET",
                "RouteSelectionExpression": "$request.body.kind",
            },
        },
        "SocketStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Socket"}, "StageName": "ws"},
        },
        "Web": {
            "Type": "AWS::Serverless::HttpApi",
            "Properties": {
                "StageName": "live",
                "CorsConfiguration": {"AllowOrigins": [ORIGIN], "AllowMethods": ["GET"]},
                "Auth": {
                    "Authorizers": {
                        "Guard": {
                            "FunctionArn": {"Fn::GetAtt": ["Allow", "Arn"]},
                            "AuthorizerPayloadFormatVersion": "2.0",
                            "EnableSimpleResponses": True,
                            "Identity": {"Headers": ["Authorization"]},
                        }
                    }
                },
            },
        },
        "Allow": function(ALLOW),
        "Tell": function(
            TELL,
            One=web(Path="/orders/{id}", Method="get"),
            Old=web(Path="/old", Method="any"),
            Closed=web(Path="/closed", Method="get", Auth={"Authorizer": "Guard"}),
        ),
        # Of the API that SAM adds for events without one.
        "Else": function(TELL, All={}, Ping={"Path": "/ping", "Method": "POST"}),
    },
}

Deploy = Callable[[dict[str, Any]], Awaitable[Deployed]]


def play(directory: Path, scenario: Callable[[Deploy], Awaitable[None]]) -> None:
    async def run() -> None:
        emulator = EmulatorProcess(directory / "state", lambda made: None, services=())
        await emulator.start()
        try:
            deployment = Deployment(emulator.endpoint, "http-api")

            async def deploy(template: dict[str, Any]) -> Deployed:
                return await asyncio.to_thread(deployment.deploy, Build(template, {}), {})

            await scenario(deploy)
        finally:
            await emulator.stop()

    asyncio.run(run())


async def ask(deployed: Deployed, name: str, path: str, method: str = "GET", **headers: str) -> Any:
    (stage,) = [stage for stage in deployed.http if stage.stage == name]
    url = deployed.execute_url(stage) + path
    return await asyncio.to_thread(requests.request, method, url, headers=headers, timeout=SECONDS)


def test_routes_come_from_the_description(tmp_path: Path) -> None:
    async def scenario(deploy: Deploy) -> None:
        deployed = await deploy(TEMPLATE)
        answer = await ask(deployed, "live", "/orders/7")
        assert answer.json() == ["2.0", "GET /orders/{id}"]
        assert (await ask(deployed, "live", "/old", "PUT")).json() == ["2.0", "ANY /old"]
        assert (await ask(deployed, "live", "/nothing")).status_code == 404
        assert (await ask(deployed, "$default", "/any/thing")).json() == ["2.0", "$default"]
        assert (await ask(deployed, "$default", "/ping", "POST")).json() == ["2.0", "POST /ping"]

        assert (await ask(deployed, "live", "/closed")).status_code == 401
        assert (await ask(deployed, "live", "/closed", Authorization="no")).status_code == 403
        opened = await ask(deployed, "live", "/closed", Authorization="open sesame")
        assert opened.json() == ["2.0", "GET /closed"]

        allowed = await ask(deployed, "live", "/orders/7", Origin=ORIGIN)
        assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
        preflight = await ask(deployed, "live", "/orders/7", "OPTIONS", Origin=ORIGIN)
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Methods"] == "GET"

        changed = copy.deepcopy(TEMPLATE)
        events = changed["Resources"]["Tell"]["Properties"]["Events"]
        events["Old"]["Properties"]["Path"] = "/new"
        deployed = await deploy(changed)
        assert (await ask(deployed, "live", "/new")).json() == ["2.0", "ANY /new"]
        assert (await ask(deployed, "live", "/old")).status_code == 404
        assert (await ask(deployed, "live", "/orders/7")).status_code == 200

    play(tmp_path, scenario)
