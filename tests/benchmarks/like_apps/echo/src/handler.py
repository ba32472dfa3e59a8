"""What offline_peer/echo/handler.mjs does, in Python."""

from typing import Any

Event = dict[str, Any]

OK = {"statusCode": 200}


def connect(_event: Event, _context: object) -> Event:
    return OK


def disconnect(_event: Event, _context: object) -> Event:
    return OK


def echo(event: Event, _context: object) -> Event:
    return {"statusCode": 200, "body": event["body"]}
