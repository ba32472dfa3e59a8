from typing import Any

PREFIX = ""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": PREFIX + event["body"]}
