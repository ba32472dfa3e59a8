"""What the environment says, read once into one frozen object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib import limits


class SettingsError(Exception):
    """An environment variable is missing or wrong."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"environment variable {name}: {rule}")
        self.name = name
        self.rule = rule


@dataclass(frozen=True)
class Settings:
    """The environment of a Lambda; docs/settings.md describes each variable."""

    stage: str
    table_prefix: str
    site_origin: str
    management_endpoint: str
    secrets_parameter: str
    kakao_auth_url: str
    kakao_api_url: str
    kakao_oidc: bool
    background_function: str
    push_function: str
    frame_pace_ms: int
    chat_window_ms: int
    new_account_hours: int

    @property
    def is_https(self) -> bool:
        """Whether people reach the site by https (everywhere but on a laptop)."""
        return self.site_origin.startswith("https://")


#: Environment variable of each setting, and its default where it has one.
VARIABLES: Final[Mapping[str, str | None]] = {
    "STAGE": "dev",
    "TABLE_PREFIX": None,
    "SITE_ORIGIN": None,
    "MANAGEMENT_ENDPOINT": "",
    "SECRETS_PARAMETER": "",
    "KAKAO_AUTH_URL": "https://kauth.kakao.com",
    "KAKAO_API_URL": "https://kapi.kakao.com",
    "KAKAO_OIDC": "0",
    "BACKGROUND_FUNCTION": "",
    "PUSH_FUNCTION": "",
    "FRAME_PACE_MS": "200",
    "CHAT_WINDOW_MS": "8000",
    "NEW_ACCOUNT_HOURS": "24",
}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables.

    Raises:
        SettingsError: one is missing or malformed.
    """

    def value(name: str) -> str:
        found = environment.get(name, VARIABLES[name])
        if found is None:
            raise SettingsError(name, "must be set")
        return found

    def url(name: str) -> str:
        found = value(name)
        if found and not found.startswith(("http://", "https://")):
            raise SettingsError(name, "must be an http or https URL")
        return found.rstrip("/")

    def whole(name: str, maximum: int) -> int:
        found = value(name)
        if not (found.isascii() and found.isdigit()) or int(found) > maximum:
            raise SettingsError(name, f"must be a whole number from 0 to {maximum}")
        return int(found)

    def chat_window() -> int:
        found = whole("CHAT_WINDOW_MS", maximum=60_000)
        if 0 < found <= limits.WRITE_WITHIN_MS:
            rule = f"must be more than {limits.WRITE_WITHIN_MS}, or 0"
            raise SettingsError("CHAT_WINDOW_MS", rule)
        return found

    return Settings(
        stage=value("STAGE"),
        table_prefix=value("TABLE_PREFIX"),
        site_origin=url("SITE_ORIGIN"),
        management_endpoint=url("MANAGEMENT_ENDPOINT"),
        secrets_parameter=value("SECRETS_PARAMETER"),
        kakao_auth_url=url("KAKAO_AUTH_URL"),
        kakao_api_url=url("KAKAO_API_URL"),
        kakao_oidc=value("KAKAO_OIDC") == "1",
        background_function=value("BACKGROUND_FUNCTION"),
        push_function=value("PUSH_FUNCTION"),
        frame_pace_ms=whole("FRAME_PACE_MS", maximum=5_000),
        chat_window_ms=chat_window(),
        new_account_hours=whole("NEW_ACCOUNT_HOURS", maximum=96),
    )


settings: Final = read_settings(os.environ)
