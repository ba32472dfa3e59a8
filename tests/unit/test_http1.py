"""Reading answers, whatever pieces they come in."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http1 import ANSWER_BYTES_MAX, Answer, BadAnswerError, read_answer

OF_API_GATEWAY = (
    b"HTTP/1.1 410 Gone\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 16\r\nConnection: keep-alive\r\n"
    b"x-amzn-ErrorType: GoneException\r\n\r\n" + b'{"message":null}'
)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (OF_API_GATEWAY, Answer(410, is_reusable=True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Answer(200, is_reusable=True)),
        (b"HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", Answer(200, is_reusable=True)),
        (b"HTTP/1.1 200 \r\nCONTENT-LENGTH: \t 2 \r\n\r\nab", Answer(200, is_reusable=True)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, is_reusable=True)),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            Answer(200, is_reusable=True),
        ),
        (
            b"HTTP/1.1 429 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            Answer(429, is_reusable=True),
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n"
            b"A ;x=y\r\n0123456789\r\n000\r\nTrailer: 1\r\nOther: 2\r\n\r\n",
            Answer(200, is_reusable=True),
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: x, Close\r\n\r\nx",
            Answer(200, is_reusable=False),
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\nConnection: x\r\n\r\n",
            Answer(200, is_reusable=False),
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n",
            Answer(200, is_reusable=True),
        ),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", Answer(200, is_reusable=False)),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            Answer(101, is_reusable=False),
        ),
    ],
)
def test_an_answer_is_complete_with_its_last_byte(data: bytes, answer: Answer) -> None:
    for end in range(len(data)):
        assert read_answer(data[:end]) is None
        with pytest.raises(BadAnswerError):
            read_answer(data[:end], ended=True)
    assert read_answer(data) == answer
    assert read_answer(data, ended=True) == answer


def test_an_answer_without_a_length_goes_on_until_the_end() -> None:
    data = b"HTTP/1.1 500 X\r\nServer: y\r\n\r\nabc"
    assert read_answer(data) is None
    assert read_answer(data, ended=True) == Answer(500, is_reusable=False)


def test_what_follows_an_answer_spoils_the_connection() -> None:
    assert read_answer(OF_API_GATEWAY + b"H") == Answer(410, is_reusable=False)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 000 OK\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * ANSWER_BYTES_MAX,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * ANSWER_BYTES_MAX,
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadAnswerError):
        read_answer(data)


@given(
    start=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    ),
    data=st.binary(max_size=200),
    ended=st.booleans(),
)
def test_nonsense_raises_nothing_else(start: bytes, data: bytes, ended: bool) -> None:
    with contextlib.suppress(BadAnswerError):
        read_answer(start + data, ended=ended)
