"""Secrets of the local stack: made once, kept with its state; or Kakao's own, if given."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.errors import InfraError


@dataclass(frozen=True)
class Secrets:
    """The JSON in the SSM parameter that SECRETS_PARAMETER names."""

    kakao_client_id: str
    kakao_client_secret: str
    kakao_admin_key: str
    identity_key: str

    def as_json(self) -> str:
        """What the parameter holds."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class KakaoKeys:
    """Keys of an application at developers.kakao.com."""

    client_id: str
    client_secret: str
    admin_key: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> KakaoKeys | None:
        """The keys, if KAKAO_CLIENT_ID is set.

        Raises:
            InfraError: some are set and others are not.
        """
        names = ("KAKAO_CLIENT_ID", "KAKAO_CLIENT_SECRET", "KAKAO_ADMIN_KEY")
        values = [environment.get(name, "") for name in names]
        if not any(values):
            return None
        missing = [name for name, value in zip(names, values, strict=True) if not value]
        if missing:
            raise InfraError(f"to sign in at Kakao itself, set {' and '.join(missing)}, too")
        return cls(*values)


def load_secrets(path: Path, kakao: KakaoKeys | None) -> Secrets:
    """The secrets in a file that is made at the first start, readable by its owner only.

    Args:
        path: the file.
        kakao: replace the made-up Kakao keys in the result, never in the file.
    """
    if path.exists():
        kept = Secrets(**json.loads(path.read_text(encoding="utf-8")))
    else:
        kept = Secrets(
            kakao_client_id="pingpong-local",
            kakao_client_secret=secrets.token_urlsafe(24),
            kakao_admin_key=secrets.token_hex(16),
            identity_key=secrets.token_hex(32),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(kept), indent=2) + "\n")
    if kakao is None:
        return kept
    return Secrets(kakao.client_id, kakao.client_secret, kakao.admin_key, kept.identity_key)
