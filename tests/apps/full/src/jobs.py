"""What happens when nobody waits for it."""

import json
import os
from typing import Any

import boto3

orders = boto3.resource("dynamodb").Table(os.environ["ORDERS"])


def cook(event: dict[str, Any], _context: object) -> None:
    orders.put_item(Item={"id": event["id"], "dish": event["dish"]})
    client = boto3.client("apigatewaymanagementapi", endpoint_url=event["management"])
    frame = json.dumps({"kind": "ready", "id": event["id"]})
    client.post_to_connection(ConnectionId=event["connection"], Data=frame.encode())


def close(event: dict[str, Any], _context: object) -> None:
    orders.put_item(Item={"id": "closed", "dish": event["detail-type"]})
