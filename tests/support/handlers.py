"""The app's handlers in this process, called with AWS's events.

For endpoints that have DynamoDB and SSM but neither WebSocket APIs nor Lambdas
(LocalStack's free release), and for counting calls exactly. Posts to connections and
asynchronous invocations go over real HTTP to a small server of the test's own.
"""

from __future__ import annotations

import base64
import functools
import importlib
import itertools
import json
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support import rights_used
from tests.support.chat import ChatClient, ConnectionRefusedWithStatusError
from tests.support.site import Answer

#: How long the jobs of a test may take, in seconds.
JOB_SECONDS = 60
#: How much time the template gives each Lambda, in ms.
TIMEOUTS_MS = {"background": 300_000, "push": 60_000}

_INVOCATION = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class ManagementServer:
    """AWS's side of posts and asynchronous invocations.

    An invocation is a thread of this process, so what chalicelib keeps for the process is
    shared by commands and jobs, unlike on AWS. That goes for what it counts, too: a job begins
    with setting the counts back and ends with its own in them. So a test that counts a command
    has to call ``finish_jobs`` before it, and count only what starts no job.
    """

    def __init__(self) -> None:
        self.connections: dict[str, ChatClient] = {}
        self.posts: list[tuple[str, bytes]] = []
        #: Handlers of the Lambdas that are invoked asynchronously, by the Lambda's name.
        self.functions: dict[str, Callable[[Any], object]] = {}
        #: What was invoked so far, as the Lambda's name and the event.
        self.invocations: list[tuple[str, Any]] = []
        self._jobs: queue.SimpleQueue[Future[object]] = queue.SimpleQueue()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = unquote(self.path)
                invocation = _INVOCATION.fullmatch(path)
                if invocation:
                    self._answer(server.invoke(invocation[1], json.loads(body)))
                else:
                    self._answer(server.post(path.rsplit("/", 1)[1], body))

            def do_DELETE(self) -> None:
                client = server.connections.pop(unquote(self.path).rsplit("/", 1)[1], None)
                if client is not None:
                    client.lost()
                self._answer(204 if client else 410)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass  # requests are asserted, not printed

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def post(self, connection_id: str, body: bytes) -> int:
        client = self.connections.get(connection_id)
        if client is None:
            return 410
        self.posts.append((connection_id, body))
        client.receive(body.decode())
        return 200

    def invoke(self, function: str, event: Any) -> int:
        """Have a Lambda's handler run beside; returns the status of the answer."""
        handler = self.functions.get(function)
        if handler is None:
            return 404
        self.invocations.append((function, event))
        job: Future[object] = Future()
        self._jobs.put(job)
        threading.Thread(target=_run, args=(job, handler, event), daemon=True).start()
        return 202

    def finish_jobs(self) -> None:
        """Wait until all asynchronous invocations are done; raises what they raised."""
        while not self._jobs.empty():
            self._jobs.get().result(JOB_SECONDS)

    def stop(self) -> None:
        while not self._jobs.empty():
            wait([self._jobs.get()], JOB_SECONDS)
        self._http.shutdown()
        self._http.server_close()


def _call(handler: Callable[[Any, Any], object], name: str, event: Any) -> object:
    with rights_used.played(name):
        return handler(event, _Context(name, TIMEOUTS_MS[name]))


def _run(job: Future[object], handler: Callable[[Any], object], event: Any) -> None:
    try:
        job.set_result(handler(event))
    except BaseException as error:  # told by finish_jobs
        job.set_exception(error)


class _Context:
    """Lambda's context of an invocation that begins now."""

    def __init__(self, function_name: str, timeout_ms: int) -> None:
        self.function_name = function_name
        self._ends_at = time.monotonic() + timeout_ms / 1000

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends_at - time.monotonic()) * 1000)


class _HandlerTransport:
    def __init__(self, site: HandlerSite, client: ChatClient, connection_id: str) -> None:
        self.connection_id = connection_id
        self._site = site
        self._client = client

    def send(self, frame: str) -> None:
        answer = self._site.call_message(self.connection_id, frame)
        self._client.receive(answer)

    def close(self) -> None:
        self._site.management.connections.pop(self.connection_id, None)
        self._site.call("websocket_disconnect", self.connection_id, "DISCONNECT")
        self._client.lost()


class HandlerSite:
    """The app in this process, or one with the same handlers."""

    def __init__(
        self, origin: str, kakao: str, management: ManagementServer, app: Any = None
    ) -> None:
        """Import the app, unless one is given; its environment must be set by now."""
        self.origin = origin
        self.kakao = kakao
        self.management = management
        self.app = app or importlib.import_module("app")
        rights_used.note_calls()
        self._ids = itertools.count(1)
        #: When API Gateway took the next frames, in ms; None: just now.
        self.received_at: int | None = None
        handlers = {"background": self.app.run_in_background, "push": self.app.push}
        for name, handler in handlers.items():
            management.functions[name] = functools.partial(_call, handler, name)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Answer:
        parts = urlsplit(path)
        resource = parts.path.removeprefix("/api")
        event = {
            "httpMethod": method,
            "resource": resource,
            "path": resource,
            "requestContext": {
                "resourcePath": resource,
                "httpMethod": method,
                "path": parts.path,
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "headers": dict(headers),
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "multiValueQueryStringParameters": parse_qs(parts.query) or None,
            "queryStringParameters": None,
            "pathParameters": None,
            "stageVariables": None,
            "body": body,
            "isBase64Encoded": False,
        }
        with rights_used.played("api"):
            answer = self.app.app(event, _Context("test", 15_000))
        found: dict[str, list[str]] = {}
        for name, value in (answer.get("headers") or {}).items():
            found.setdefault(name.lower(), []).append(value)
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            found.setdefault(name.lower(), []).extend(values)
        content = answer["body"]
        if answer.get("isBase64Encoded"):
            content = base64.b64decode(content).decode()
        return Answer(answer["statusCode"], found, content)

    def connect(self, headers: Mapping[str, str]) -> ChatClient:
        connection_id = f"test-{os.getpid()}-{next(self._ids)}="
        answer = self.call("websocket_connect", connection_id, "CONNECT", headers=dict(headers))
        if answer["statusCode"] != 200:
            raise ConnectionRefusedWithStatusError(answer["statusCode"])
        client = ChatClient()
        client.transport = _HandlerTransport(self, client, connection_id)
        self.management.connections[connection_id] = client
        return client

    def call_message(self, connection_id: str, frame: str) -> str:
        """One message event; returns the frame that goes back as the route's response."""
        answer = self.call("websocket_message", connection_id, "MESSAGE", body=frame)
        body: str = answer["body"]
        return body

    def call(self, function: str, connection_id: str, kind: str, **more: Any) -> dict[str, Any]:
        """Call a WebSocket Lambda with AWS's event."""
        event = {
            "requestContext": {
                "routeKey": {"MESSAGE": "$default"}.get(kind, f"${kind.lower()}"),
                "eventType": kind,
                "connectionId": connection_id,
                "apiId": "test",
                "stage": "ws",
                "domainName": "localhost",
                "requestTimeEpoch": self.received_at or time.time_ns() // 1_000_000,
            },
            "isBase64Encoded": False,
            **more,
        }
        handler = getattr(self.app, function)
        with rights_used.played(function.removeprefix("websocket_")):
            answer: dict[str, Any] = handler(event, _Context("test", 15_000))
        return answer
