"""What offline_peer/chat/handler.mjs does, in Python."""

import functools
import json
import os
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

Event = dict[str, Any]

OK = {"statusCode": 200}

table: Any = boto3.resource("dynamodb").Table(os.environ["CONNECTIONS_TABLE"])


def connect(event: Event, _context: object) -> Event:
    table.put_item(Item={"connectionId": event["requestContext"]["connectionId"]})
    return OK


def disconnect(event: Event, _context: object) -> Event:
    forget(event["requestContext"]["connectionId"])
    return OK


def join(event: Event, _context: object) -> Event:
    connection_id = event["requestContext"]["connectionId"]
    body = json.loads(event["body"])
    room, name = body["room"], body["name"]
    table.put_item(Item={"connectionId": connection_id, "room": room, "name": name})
    broadcast(event, room, {"text": f"{name} joined"})
    return OK


def say(event: Event, _context: object) -> Event:
    connection_id = event["requestContext"]["connectionId"]
    text = json.loads(event["body"])["text"]
    sender = table.get_item(Key={"connectionId": connection_id})["Item"]
    broadcast(event, sender["room"], {"from": sender["name"], "text": text})
    return OK


def broadcast(event: Event, room: str, frame: Event) -> None:
    context = event["requestContext"]
    client = management(context["domainName"], context["stage"])
    found = table.query(IndexName="by-room", KeyConditionExpression=Key("room").eq(room))
    data = json.dumps(frame).encode()
    for member in found["Items"]:
        connection_id = member["connectionId"]
        try:
            client.post_to_connection(ConnectionId=connection_id, Data=data)
        except client.exceptions.GoneException:
            forget(connection_id)


@functools.cache
def management(domain: str, stage: str) -> Any:
    # serverless-offline has it elsewhere than its events say.
    url = os.environ.get("MANAGEMENT_ENDPOINT", f"https://{domain}/{stage}")
    return boto3.client("apigatewaymanagementapi", endpoint_url=url)


def forget(connection_id: str) -> None:
    table.delete_item(Key={"connectionId": connection_id})
