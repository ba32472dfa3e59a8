"""What clients of the WebSocket do."""

import json
import os
from typing import Any

import boto3

PROTOCOL = "orders.v1"


def authorize(event: dict[str, Any], _context: object) -> dict[str, Any]:
    is_known = event["queryStringParameters"]["token"] == os.environ["TOKEN"]
    return {
        "principalId": "waiter",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow" if is_known else "Deny",
                    "Action": "execute-api:Invoke",
                    "Resource": event["methodArn"],
                }
            ],
        },
        "context": {"table": "7"},
    }


def connect(event: dict[str, Any], _context: object) -> dict[str, Any]:
    offered = {name.lower(): value for name, value in event["headers"].items()}
    if PROTOCOL not in offered.get("sec-websocket-protocol", ""):
        return {"statusCode": 400}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": PROTOCOL}}


def order(event: dict[str, Any], _context: object) -> dict[str, Any]:
    context = event["requestContext"]
    wanted = json.loads(event["body"])
    boto3.client("lambda").invoke(
        FunctionName=os.environ["KITCHEN"],
        InvocationType="Event",
        Payload=json.dumps(
            {
                "id": wanted["id"],
                "dish": wanted["dish"],
                "connection": context["connectionId"],
                "management": f"https://{context['domainName']}/{context['stage']}",
            }
        ),
    )
    return {"statusCode": 200, "body": json.dumps({"kind": "taken", "id": wanted["id"]})}


def who_am_i(event: dict[str, Any], _context: object) -> dict[str, Any]:
    known = event["requestContext"]["authorizer"]
    me = {"kind": "you", "name": known["principalId"], "table": known["table"]}
    return {"statusCode": 200, "body": json.dumps(me)}


def unknown(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps({"kind": "what?"})}
