"""Kakao's ways of saying no, as exceptions that ``server`` turns into responses."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web


class KakaoAnswerError(Exception):
    """The base of what ends a request early; ``status`` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


class PageError(KakaoAnswerError):
    """An error page for people, with Kakao's code: before the redirect URI can be trusted.

    https://developers.kakao.com/docs/latest/en/kakaologin/trouble-shooting
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        super().__init__(status, message)


class TokenError(KakaoAnswerError):
    """An error of /oauth/token: ``{"error", "error_description", "error_code"}``."""

    def __init__(self, error: str, message: str, code: str, status: int = 400) -> None:
        self.error = error
        self.code = code
        super().__init__(status, message)


class ApiError(KakaoAnswerError):
    """An error of kapi: ``{"msg", "code"}``."""

    def __init__(self, code: int, message: str, status: int) -> None:
        self.code = code
        super().__init__(status, message)


async def read_form(request: web.Request) -> dict[str, str]:
    """Returns a form's fields, the last of each name; {} for another type of content.

    Raises PageError for bytes that are no form.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    try:
        body = (await request.read()).decode("utf-8")
        return dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=100))
    except ValueError as error:
        raise PageError("KOE001", "the form can't be read") from error


def redirect(url: str, parameters: Mapping[str, str | None]) -> web.Response:
    """Returns a 302 to ``url`` with ``parameters`` added to its query, but for those of None."""
    parts = urlsplit(url)
    added = {name: value for name, value in parameters.items() if value is not None}
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    location = urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))
    return web.Response(status=302, headers={"Location": location})
