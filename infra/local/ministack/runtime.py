"""The processes that run Python handlers. Started by processes.py, never imported by it.

One program in three roles, each forked from the one before, so that a worker costs a fork and
not half a second of imports:

- the *library process* imports what the functions' code imports from outside of it, once for
  all functions;
- a *code process* has imported a handler's module, once for all functions that have the same
  code, and the same values in those environment variables that were looked at meanwhile;
- a *worker* is an execution environment: it runs one invocation of one function after the
  other.

What differs from AWS: there each execution environment imports the code itself. Here objects
made at import are equal in all workers (a random number drawn at import, the time of the
import), though none is shared. What cannot be forked is not: a process in which an import has
started a thread becomes a worker itself, and a library that looked at an environment variable
which the function sets otherwise is imported anew for it.

Messages are JSON with their length before them, on a socket of each process's own. They are
described where they are sent, in processes.py. The end of the socket ends the process, so none
outlives the emulator. Only the standard library may be imported here, and little of it: all
of it is loaded in the Lambda, too.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import ast
import gc
import importlib
import itertools
import json
import logging
import os
import re
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn

LENGTH: Final = struct.Struct("!I")

#: How long code processes whose emulator is gone may take to end their workers and
#: themselves, in seconds. One that is busy importing does not notice.
ORPHAN_SECONDS: Final = 5.0


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send one message."""
    data = json.dumps(message).encode()
    channel.sendall(LENGTH.pack(len(data)) + data)


def receive(channel: socket.socket) -> dict[str, Any]:
    """The next message; ends the process if there will be none."""
    (length,) = LENGTH.unpack(_exactly(channel, LENGTH.size))
    message: dict[str, Any] = json.loads(_exactly(channel, length))
    return message


def _exactly(channel: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        try:
            count = channel.recv_into(view[done:])
        except ConnectionError:
            count = 0
        if not count:
            os._exit(0)
        done += count
    return data


# --- Forking ---------------------------------------------------------------------------------


class Forker:
    """A process that forks others when told to, and tells when they have ended."""

    def __init__(self, channel: socket.socket, *, grace_seconds: float) -> None:
        """Args: `grace_seconds`: how long the children may take to end after this process."""
        self._channel = channel
        self._grace_seconds = grace_seconds
        self._children: set[int] = set()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        os.set_blocking(self._wake_reader, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)

    def run(self, handle: Callable[[dict[str, Any]], None]) -> tuple[dict[str, Any], socket.socket]:
        """Fork on request; returns only in the children, with what they are told to be.

        Args:
            handle: takes all other messages.
        """
        data, descriptors, channel_number = b"", list[int](), self._channel.fileno()
        while True:
            ready, _, _ = select.select([channel_number, self._wake_reader], [], [])
            try:
                if self._wake_reader in ready:
                    self._reap()
                if channel_number not in ready:
                    continue
                more, handed, _, _ = socket.recv_fds(self._channel, 65536, 16)
            except ConnectionError:
                self._end()
            if not more:
                self._end()
            data += more
            descriptors += handed
            while len(data) >= LENGTH.size:
                end = LENGTH.size + LENGTH.unpack_from(data)[0]
                if len(data) < end:
                    break
                message, data = json.loads(data[LENGTH.size : end]), data[end:]
                if "fork" in message:
                    channel, log = descriptors.pop(0), descriptors.pop(0)
                    if self._fork(channel, log):
                        return message["fork"], self._become(channel, log)
                elif "kill" in message:
                    # Only its own children: the number may be another process's by now.
                    if message["kill"] in self._children:
                        os.kill(message["kill"], signal.SIGKILL)
                else:
                    handle(message)

    def _fork(self, channel: int, log: int) -> bool:
        """Fork; whether this is the child."""
        gc.freeze()  # else the first collection in each child copies all of the memory
        pid = os.fork()
        if pid == 0:
            return True
        self._children.add(pid)
        os.close(channel)
        os.close(log)
        try:
            send(self._channel, {"forked": pid})
        except ConnectionError:
            self._end()
        return False

    def _become(self, channel: int, log: int) -> socket.socket:
        """Leave what is the parent's; the child's own channel."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._wake_reader)
        os.close(self._wake_writer)
        self._channel.close()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        return socket.socket(fileno=channel)

    def _reap(self) -> None:
        os.read(self._wake_reader, 4096)
        # Not -1: the code may have children of its own.
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                send(self._channel, {"exited": pid, "status": os.waitstatus_to_exitcode(status)})

    def _end(self) -> NoReturn:
        """The emulator is gone, or has no more use for this: no child may be left."""
        deadline = time.monotonic() + self._grace_seconds
        while self._children and time.monotonic() < deadline:
            for pid in list(self._children):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self._children.discard(pid)
            time.sleep(0.02)
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


def thread_count() -> int:
    """How many threads this process has, those of C libraries included where that is known."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


# --- The library process ---------------------------------------------------------------------


class ObservedEnvironment(os._Environ):  # type: ignore[type-arg]
    """os.environ that remembers the names that were asked for; None stands for all."""

    seen: set[str | None] = set()  # noqa: RUF012 - one for the process, as is os.environ

    def __getitem__(self, key: Any) -> Any:
        self.seen.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        self.seen.add(None)
        return super().__iter__()


def imported_names(code: Path, module: str) -> set[str]:
    """What a module and those of the same code that it imports import from elsewhere.

    Only what is imported when the module is: not in functions, not for type checkers.
    """
    elsewhere: set[str] = set()
    queue, done = [module], set[str]()
    while queue:
        name = queue.pop()
        if name in done:
            continue
        done.add(name)
        parts = name.split(".")
        queue += [".".join(parts[:count]) for count in range(1, len(parts))]
        file = code.joinpath(*parts).with_suffix(".py")
        package = code.joinpath(*parts, "__init__.py")
        source = package if package.exists() else file
        if not source.exists():
            continue
        for found in _imports(source, parts if source is package else parts[:-1]):
            top = code / found.split(".")[0]
            is_own = top.is_dir() or top.with_suffix(".py").exists()
            (queue.append if is_own else elsewhere.add)(found)
    return elsewhere


def _imports(source: Path, package: list[str]) -> Iterator[str]:
    """Names of the modules that a file imports when it is imported."""
    try:
        queue: list[ast.AST] = list(ast.parse(source.read_bytes()).body)
    except (SyntaxError, ValueError):
        return  # importing it will say so
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from filter(None, [start])
            for alias in node.names:
                # It may be a module or anything else; whoever looks for it finds out.
                yield f"{start}.{alias.name}" if start else alias.name
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            queue += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            blocks = (ast.stmt, ast.ExceptHandler, ast.match_case)
            queue += [child for child in ast.iter_child_nodes(node) if isinstance(child, blocks)]


def import_libraries(code: Path, module: str) -> None:
    """Import what a handler's module needs from outside of its code, as far as it can be."""
    for name in sorted(imported_names(code, module)):
        parent, _, attribute = name.rpartition(".")
        if hasattr(sys.modules.get(parent), attribute):
            continue  # `from parent import attribute` has what it wants
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112 - the code process meets it, and reports it
            continue


def stand_by(channel: socket.socket) -> tuple[dict[str, Any], socket.socket]:
    """Be the library process; returns in its children."""
    os.environ.__class__ = ObservedEnvironment

    def handle(message: dict[str, Any]) -> None:
        wanted = message["libraries"]
        import_libraries(Path(wanted["code"]), wanted["module"])
        send(channel, {"prepared": True, "forkable": thread_count() == 1})

    order, own = Forker(channel, grace_seconds=ORPHAN_SECONDS).run(handle)
    os.environ.__class__ = os._Environ
    return order, own


# --- A code process ----------------------------------------------------------------------


class LoadError(Exception):
    """The handler could not be imported."""

    def __init__(self, kind: str, message: str, trace: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace


def must_start_afresh(function: dict[str, Any]) -> bool:
    """Whether something imported by the library process would be wrong for a function."""
    wanted: dict[str, str] = function["environment"]
    present = dict(os.environ)
    differing = {name for name in {*wanted, *present} if wanted.get(name) != present.get(name)}
    if differing & ObservedEnvironment.seen or None in ObservedEnvironment.seen:
        return True
    own = {entry.name.split(".")[0] for path in function["paths"] for entry in Path(path).iterdir()}
    return bool(own & {name.split(".")[0] for name in sys.modules if name != "__main__"})


def set_environment(environment: dict[str, str]) -> None:
    """Have these environment variables and no others."""
    os.environ.__class__ = os._Environ
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()  # TZ is looked at only once by itself


class LogHandler(logging.Handler):
    """Prints log records as AWS's runtime does, which has it on the root logger from the start.

    https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    """

    #: Of the invocation that runs.
    request_id = ""

    def __init__(self) -> None:
        super().__init__()
        form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        try:
            record.aws_request_id = LogHandler.request_id
            print(self.format(record))
        except Exception:
            self.handleError(record)


def load(function: dict[str, Any]) -> ModuleType:
    """Import a function's module in its own environment.

    Raises:
        LoadError: it does not import.
    """
    set_environment(function["environment"])
    os.chdir(function["paths"][0])
    sys.path[:0] = function["paths"]
    # The directory is new to those caches.
    importlib.invalidate_caches()
    name = function["module"]
    logging.getLogger().addHandler(LogHandler())
    os.environ.__class__ = ObservedEnvironment
    try:
        return importlib.import_module(name)
    except SyntaxError as error:
        raise LoadError(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{name}': {error}",
            _trace(error),
        ) from error
    except ImportError as error:
        raise LoadError(
            "Runtime.ImportModuleError", f"Unable to import module '{name}': {error}", _trace(error)
        ) from error
    except Exception as error:
        raise LoadError(type(error).__name__, str(error), _trace(error)) from error


def _trace(error: BaseException) -> str:
    """An exception's traceback, from where the app's code begins, and without this file."""
    shown = traceback.TracebackException.from_exception(error)
    chain: list[traceback.TracebackException] = [shown]
    for link in chain:
        link.stack = traceback.StackSummary.from_list(_of_app(link.stack))
        chain += filter(None, (link.__cause__, link.__context__))
    return "".join(shown.format() if shown.stack else shown.format_exception_only())


def _of_app(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    importing = itertools.takewhile(
        lambda frame: frame.filename == __file__ or "importlib" in frame.filename, frames
    )
    return [frame for frame in frames[len(list(importing)) :] if frame.filename != __file__]


# --- A worker --------------------------------------------------------------------------------


class Context:
    """What a handler gets beside the event.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    identity = None
    client_context = None

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.aws_request_id: str = invocation["request_id"]
        self.invoked_function_arn: str = invocation["arn"]
        self._deadline: float = invocation["deadline"]
        environment = os.environ
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME", "")

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        return max(0, int((self._deadline - time.time()) * 1000))


def answer(handler: Callable[[Any, Any], Any], invocation: dict[str, Any]) -> bytes:
    """Run a handler; the message that tells how it went."""
    # Changes with each invocation; botocore sends it on with every call.
    os.environ["_X_AMZN_TRACE_ID"] = invocation["trace_id"]
    LogHandler.request_id = invocation["request_id"]
    cpu = time.process_time()
    try:
        result = handler(invocation["event"], Context(invocation))
    except Exception as error:
        return _failure(type(error).__name__, str(error), error, invocation["request_id"])
    try:
        cpu_ms = (time.process_time() - cpu) * 1000
        return marshalled({"result": result, "cpu_ms": cpu_ms}).encode()
    except Exception as error:  # as in AWS's runtime; a RecursionError, for one
        text = f"Unable to marshal response: {error}"
        return _failure("Runtime.MarshalError", text, None, invocation["request_id"])


def marshalled(message: dict[str, Any]) -> str:
    """JSON as AWS's runtime makes it: a Decimal, which DynamoDB gives, is a number.

    https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/lambda_runtime_marshaller.py
    """
    numbers: list[str] = []
    # The json module has no way to give a number's digits: texts that nothing else can be.
    mark = f"decimal-{os.urandom(16).hex()}-"

    def number(value: Any) -> Any:
        decimal = sys.modules.get("decimal")  # else there is none
        if decimal is None or not isinstance(value, decimal.Decimal):
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
        if value.is_nan():
            return float("nan")
        numbers.append(str(value))
        return f"{mark}{len(numbers) - 1}"

    text = json.dumps(message, default=number)
    if numbers:
        text = re.sub(f'"{mark}(\\d+)"', lambda found: numbers[int(found[1])], text)
    return text


def _failure(kind: str, message: str, error: Exception | None, request_id: str) -> bytes:
    frames = traceback.extract_tb(error.__traceback__)[1:] if error else []
    payload = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }
    trace = _trace(error) if error else f"{kind}: {message}"
    return json.dumps({"error": payload, "trace": trace}).encode()


def serve(channel: socket.socket, handler: Callable[[Any, Any], Any]) -> NoReturn:
    """Run invocations until the channel ends."""
    code = 1
    try:
        while True:
            data = answer(handler, receive(channel))
            _flush()
            channel.sendall(LENGTH.pack(len(data)) + data)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    _flush()
    # Not the way of sys.exit(): the parent's stack is below.
    os._exit(code)


def _flush() -> None:
    """Have everything that was printed in the log before the answer is sent."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # the handler has put something else there
            continue


def be_code(
    order: dict[str, Any], channel: socket.socket, *, is_fork: bool
) -> tuple[dict[str, Any], socket.socket, ModuleType]:
    """Import a handler's module; returns in each worker, with what it is told."""
    function = order["function"]
    if is_fork and must_start_afresh(function):
        send(channel, {"loaded": False, "afresh": True})
        os._exit(0)
    try:
        module = load(function)
    except LoadError as error:
        failure = {"errorType": error.kind, "errorMessage": str(error)}
        _flush()
        send(channel, {"loaded": False, "error": failure, "trace": error.trace})
        os._exit(0)
    _flush()
    seen = ObservedEnvironment.seen
    read = None if None in seen else sorted(filter(None, seen))
    forkable = thread_count() == 1
    send(channel, {"loaded": True, "forkable": forkable, "read": read})

    def handle(message: dict[str, Any]) -> None:
        send(channel, {"found": hasattr(module, message["handler"])})

    if not forkable:
        while "worker" not in (message := receive(channel)):
            handle(message)
        return message["worker"], channel, module
    worker, own = Forker(channel, grace_seconds=0).run(handle)
    return worker["worker"], own, module


def main() -> NoReturn:
    """Be what the first message says."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    # Ctrl-C in a terminal is for the supervisor.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order, is_fork = receive(channel), False
    if "libraries" in order:
        order, channel = stand_by(channel)
        is_fork = True
    worker, channel, module = be_code(order, channel, is_fork=is_fork)
    set_environment(worker["environment"])
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # the standard library's generators are seeded anew by os.fork
    serve(channel, getattr(module, worker["handler"]))


if __name__ == "__main__":
    main()
