"""The peer of P7: a chat as tutorials of Chalice, PynamoDB and Authlib have one written.

All is imported and made at the top: a client of boto3, an OAuth session, and a model for each
table, which brings a connection of its own. It works on Ping-Pong's tables and does for a chat
what Ping-Pong does: look the connection up, take a place, store, post to who else is there.
"""

import json
import os
import time
from typing import Any

import boto3
from authlib.integrations.requests_client import OAuth2Session
from botocore.exceptions import ClientError
from chalice.app import Chalice, WebsocketEvent
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

PREFIX = os.environ["TABLE_PREFIX"]
REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
HOST = os.environ.get("AWS_ENDPOINT_URL")

app = Chalice(app_name="usual")
app.experimental_feature_flags.update(["WEBSOCKETS"])

management = boto3.client(
    "apigatewaymanagementapi", endpoint_url=os.environ.get("MANAGEMENT_ENDPOINT")
)
kakao = OAuth2Session(client_id="key", client_secret="secret", scope="openid")


class Connection(Model):
    class Meta:
        table_name = PREFIX + "connections"
        region = REGION
        host = HOST

    connection_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()


class Room(Model):
    class Meta:
        table_name = PREFIX + "rooms"
        region = REGION
        host = HOST

    room_id = UnicodeAttribute(hash_key=True)
    last_seq = NumberAttribute()


class Chat(Model):
    class Meta:
        table_name = PREFIX + "chats"
        region = REGION
        host = HOST

    room_id = UnicodeAttribute(hash_key=True)
    seq = NumberAttribute(range_key=True)
    user_id = UnicodeAttribute()
    text = UnicodeAttribute()
    created_at = NumberAttribute()


class Subscription(Model):
    class Meta:
        table_name = PREFIX + "subscriptions"
        region = REGION
        host = HOST

    room_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)


@app.route("/sign-in")
def sign_in() -> dict[str, Any]:
    url, state = kakao.create_authorization_url("https://kauth.kakao.com/oauth/authorize")
    return {"url": url, "state": state}


@app.on_ws_message(name="websocket_message")
def websocket_message(event: WebsocketEvent) -> dict[str, Any]:
    message = json.loads(event.body)
    sender = Connection.get(event.connection_id)
    room = Room(message["room_id"])
    room.update(actions=[Room.last_seq.add(1)])
    chat = Chat(
        room.room_id,
        room.last_seq,
        user_id=sender.user_id,
        text=message["text"],
        created_at=int(time.time() * 1000),
    )
    chat.save()
    frame = json.dumps({"type": "chat.added", "seq": chat.seq, "text": chat.text})
    for listener in Subscription.query(room.room_id, consistent_read=True):
        if listener.connection_id != event.connection_id:
            try:
                management.post_to_connection(
                    ConnectionId=listener.connection_id, Data=frame.encode()
                )
            except ClientError:
                listener.delete()
    return {"statusCode": 200, "body": json.dumps({"type": "ok", "seq": chat.seq})}
