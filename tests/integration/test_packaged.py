"""What is deployed: every Lambda out of the unpacked package, with nothing else to import."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.aws.package import package
from tests.integration.test_conversation import open_room, say, texts_of
from tests.support.handlers import HandlerSite, ManagementServer
from tests.support.packaged import HANDLERS, PackagedApp, unpack
from tests.support.site import new_person
from tests.support.stack import LocalStack

#: What Lambda and the template set, and the endpoints of the stack.
ENVIRONMENT = (
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("TABLE_PREFIX", "SITE_ORIGIN", "SECRETS_PARAMETER", "KAKAO_AUTH_URL", "KAKAO_API_URL"),
    *("KAKAO_OIDC", "BACKGROUND_FUNCTION", "PUSH_FUNCTION", "AWS_ENDPOINT_URL"),
    *("FRAME_PACE_MS", "CHAT_WINDOW_MS", "NEW_ACCOUNT_HOURS"),
)
#: What takes long to import, and a chat does not need.
HEAVY = {
    *("boto3", "s3transfer", "authlib", "joserfc", "cryptography", "requests", "idna"),
    *("charset_normalizer", "chalice.cli", "chalice.deploy", "asyncio", "pydantic"),
}
#: How many modules a chat imports, the standard library's too, and how many bytes of bytecode
#: from the package. More than these needs a reason; `make bench ONLY=P7` tells the price. (Pace,
#: words, blocks, match, reports, moderation and the directory are asked for by frames, too. And
#: Chalice's one app has the handlers of all Lambdas: the account's edge and its jobs.)
MODULES_AT_MOST = 450
BYTES_AT_MOST = 3_950_000

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def code_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, with the libraries for this machine's architecture, unpacked."""
    architecture = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    made = package(tmp_path_factory.mktemp("package"), stage="dev", architecture=architecture)
    return unpack(made.code, tmp_path_factory.mktemp("task"))


@pytest.fixture
def site(stack: LocalStack, code_dir: Path) -> Iterator[HandlerSite]:
    """Its Lambdas, on the stack's DynamoDB, SSM and Kakao."""
    management = ManagementServer()
    environment = {name: os.environ[name] for name in ENVIRONMENT}
    environment |= {
        "MANAGEMENT_ENDPOINT": management.url,
        "AWS_ENDPOINT_URL_LAMBDA": management.url,
    }
    app = PackagedApp(code_dir, environment)
    yield HandlerSite(os.environ["SITE_ORIGIN"], os.environ["KAKAO_AUTH_URL"], management, app)
    management.stop()
    app.stop()


def test_every_lambda_works_out_of_the_package(site: HandlerSite) -> None:
    jimin, haeun = new_person(site, "지민"), new_person(site, "하은")
    host, guest = jimin.chat(), haeun.chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    first = say(host, room_id, "안녕!")
    guest.wait_for_entry(text="안녕!")
    guest.ask("chat.react", room_id=room_id, seq=first["seq"], emoji="👍")
    page = guest.ask("chat.history", room_id=room_id, limit=9)
    assert texts_of(page) == ["안녕!"]
    # A push worker, as a busy room starts them.
    frame = '{"type": "of-a-test"}'
    site.app.push({"job": "push_to_all", "room_id": room_id, "frame": frame}, None)
    guest.wait_for("of-a-test")
    # Leaving the site: Kakao is asked to unlink, the rest is the background's.
    assert jimin.post("/api/auth/withdraw").status == 200
    site.management.finish_jobs()
    assert "background" in {function for function, _ in site.management.invocations}
    guest.wait_for("room.closed")
    guest.close()
    assert haeun.post("/api/auth/logout").status == 200

    said = site.app.stop()
    assert set(said) == set(HANDLERS)
    for name, lines in said.items():
        logged = [json.loads(line) for line in lines.splitlines()]
        assert logged, name
        assert not [entry for entry in logged if entry["level"] != "info"], name


def test_a_chat_does_not_wait_for_what_only_sign_in_needs(site: HandlerSite) -> None:
    host, guest = new_person(site).chat(), new_person(site).chat()
    room_id = open_room(host)
    guest.ask("room.enter", room_id=room_id)
    say(host, room_id, "안녕!")
    guest.wait_for_entry(text="안녕!")
    found = site.app.processes["websocket_message"].loaded()
    modules = set(found["modules"])
    assert HEAVY.isdisjoint(modules), HEAVY & modules
    assert "pynamodb.models" in modules
    assert len(modules) <= MODULES_AT_MOST, len(modules)
    size = sum(os.path.getsize(site.app.directory / name) for name in found["files"])
    assert size <= BYTES_AT_MOST, size


def test_the_api_imports_what_talks_to_kakao_when_it_does(site: HandlerSite) -> None:
    assert site.request("GET", "/api/session", {}).status == 200
    before = set(site.app.processes["app"].loaded()["modules"])
    assert HEAVY.isdisjoint(before), HEAVY & before
    new_person(site)
    after = set(site.app.processes["app"].loaded()["modules"])
    assert {"authlib", "requests", "joserfc", "cryptography"} <= after
    assert "boto3" not in after
