"""A chat with one room: everybody connected gets what anybody says."""

import os
from collections.abc import Iterator
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from boto3.session import Session
from chalice.app import Chalice, WebsocketDisconnectedError, WebsocketEvent

ROOM = "lobby"

app = Chalice(app_name="broadcast")
app.experimental_feature_flags.update(["WEBSOCKETS"])
app.websocket_api.session = Session()

table = boto3.resource("dynamodb").Table(os.environ["CONNECTIONS"])


def everybody() -> Iterator[str]:
    for item in table.query(KeyConditionExpression=Key("room").eq(ROOM))["Items"]:
        # Outside of WebSocket events Chalice does not know where to send.
        app.websocket_api.configure(str(item["domain"]), str(item["stage"]))
        yield str(item["connection"])


def tell_everybody(text: str) -> None:
    for connection in everybody():
        try:
            app.websocket_api.send(connection, text)
        except WebsocketDisconnectedError:
            forget(connection)


def forget(connection: str) -> None:
    table.delete_item(Key={"room": ROOM, "connection": connection})


@app.route("/people")
def people() -> dict[str, int]:
    return {"people": len(list(everybody()))}


@app.on_ws_connect()
def connect(event: WebsocketEvent) -> None:
    table.put_item(
        Item={
            "room": ROOM,
            "connection": event.connection_id,
            "domain": event.domain_name,
            "stage": event.stage,
        }
    )


@app.on_ws_message()
def message(event: WebsocketEvent) -> None:
    tell_everybody(event.body)


@app.on_ws_disconnect()
def disconnect(event: WebsocketEvent) -> None:
    forget(event.connection_id)


@app.schedule("rate(1 hour)")
def chime(_event: Any) -> None:
    tell_everybody("another hour")
