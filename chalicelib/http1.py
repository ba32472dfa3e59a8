"""Reads answers of HTTP/1.1, as far as a caller needs who wants to know the status.

https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: Answers that are longer are taken for nonsense. API Gateway's have a few hundred bytes.
ANSWER_BYTES_MAX: Final = 64 * 1024

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\r\n]*)?\r\n")
_FIELD: Final = re.compile(rb"\n(content-length|transfer-encoding|connection):[ \t]*([^\r\n]*)")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class BadAnswerError(Exception):
    """What came is no answer of HTTP/1.1, or only a part of one."""


class Answer(NamedTuple):
    """What is told of an answer."""

    status: int
    #: Whether another request may be sent on the same connection.
    is_reusable: bool


def read_answer(data: bytes, *, ended: bool = False) -> Answer | None:
    """Read one answer to a request other than HEAD or CONNECT.

    Args:
        data: everything that came since the request.
        ended: whether the peer will send no more.

    Returns:
        The answer, or None if more of it is to come.

    Raises:
        BadAnswerError: there is no answer and will be none.
    """
    try:
        answer = _read(data, ended=ended)
    except ValueError as error:
        raise BadAnswerError(str(error)) from None
    if answer is None and ended:
        raise BadAnswerError("the connection ended within an answer")
    if answer is None and len(data) > ANSWER_BYTES_MAX:
        raise BadAnswerError("the answer is too long")
    return answer


def _read(data: bytes, *, ended: bool) -> Answer | None:
    start = status = 0
    while status < 200 and status != 101:  # what is below is said ahead of the answer
        head_end = data.find(b"\r\n\r\n", start)
        if head_end < 0:
            if not b"HTTP/1.".startswith(data[start : start + 7]):
                raise ValueError("not HTTP/1")
            return None
        line = _STATUS_LINE.match(data, start, head_end + 2)
        if line is None:
            raise ValueError("malformed status line")
        version, status = line[1], int(line[2])
        fields = _fields(data[start : head_end + 2].lower())
        start = head_end + 4
    end, has_end = _end_of_body(data, start, status, fields)
    if not has_end and ended:
        end = len(data)
    if end is None or end > len(data):
        return None
    is_kept = version == b"1" and status != 101 and b"close" not in fields.get(b"connection", b"")
    return Answer(status, is_kept and has_end and end == len(data))


def _fields(head: bytes) -> dict[bytes, bytes]:
    """The header fields that matter, those of one name as one list (RFC 9110, 5.3)."""
    found = _FIELD.findall(head)
    fields = dict(found)
    if len(fields) < len(found):
        fields = {name: b",".join(v for n, v in found if n == name) for name in fields}
    return fields


def _end_of_body(
    data: bytes, start: int, status: int, fields: dict[bytes, bytes]
) -> tuple[int | None, bool]:
    """Where the body ends if that is known, and whether it says so itself (RFC 9112, 6.3)."""
    if status in (101, 204, 304):
        return start, True
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        is_chunked = coding.rpartition(b",")[2].strip() == b"chunked"
        return (_end_of_chunks(data, start), True) if is_chunked else (None, False)
    length = fields.get(b"content-length")
    if length is None:
        return None, False
    length = length.rstrip()
    if not length.isdigit():
        raise ValueError("malformed length")
    return start + int(length), True


def _end_of_chunks(data: bytes, start: int) -> int | None:
    """Where a chunked body ends, or None if that is yet to come (RFC 9112, 7.1)."""
    while True:
        line_end = data.find(b"\r\n", start)
        if line_end < 0:
            return None
        line = _CHUNK_LINE.match(data, start, line_end + 2)
        if line is None:
            raise ValueError("malformed chunk")
        start, size = line.end(), int(line[1], 16)
        if size == 0:
            break
        start += size + 2
        if data[start - 2 : start] not in (b"\r\n", b"\r", b""):
            raise ValueError("a chunk is longer than it says")
    # Fields may follow, then an empty line.
    if data.startswith(b"\r\n", start):
        return start + 2
    end = data.find(b"\r\n\r\n", start)
    return None if end < 0 else end + 4
