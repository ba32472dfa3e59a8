"""The management API's errors, in the shape that SDKs parse.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/connections-connectionid.html
"""

from __future__ import annotations

import json

from aiohttp import web


class ManagementError(Exception):
    """An answer in the shape that SDKs understand: a status, a type, a message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def response(self) -> web.Response:
        """The answer."""
        return web.Response(
            status=self.status,
            text=json.dumps({"message": str(self)}),
            content_type="application/json",
            headers={"x-amzn-ErrorType": self.kind},
        )


def gone() -> ManagementError:
    """There is no such connection, any more or yet."""
    return ManagementError(410, "GoneException", "Gone")


def internal() -> ManagementError:
    """The gateway could not do it; why is for the developer."""
    return ManagementError(500, "InternalServerErrorException", "Internal server error")


def too_many() -> ManagementError:
    """The account's or the stage's limit is reached, or what a client leaves unread."""
    return ManagementError(429, "LimitExceededException", "Too Many Requests")
