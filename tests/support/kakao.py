"""The Kakao stand-in in a thread, for tests that run without the local stack."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from infra.local.kakao import KakaoConfig, KakaoStandIn

SECRETS = {
    "kakao_client_id": "test-client",
    "kakao_client_secret": "test-secret",
    "kakao_admin_key": "test-admin",
    "identity_key": "test-identity",
}


@contextmanager
def running_kakao() -> Iterator[str]:
    """A stand-in that knows the app of SITE_ORIGIN; its keys are put into SSM. Its address."""
    boto3.client("ssm").put_parameter(
        Name=os.environ["SECRETS_PARAMETER"],
        Type="SecureString",
        Value=json.dumps(SECRETS),
        Overwrite=True,
    )
    stand_in = KakaoStandIn(
        KakaoConfig(
            port=0,
            client_id=SECRETS["kakao_client_id"],
            client_secret=SECRETS["kakao_client_secret"],
            admin_key=SECRETS["kakao_admin_key"],
            allowed_redirect_uris=(os.environ["SITE_ORIGIN"] + "/api/auth/kakao/callback",),
        )
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(stand_in.start(), loop).result(10)
    yield stand_in.base_url
    asyncio.run_coroutine_threadsafe(stand_in.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
