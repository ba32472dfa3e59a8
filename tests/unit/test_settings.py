"""The environment, as one object."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from chalicelib.secret_values import SecretValues
from chalicelib.settings import VARIABLES, Settings, SettingsError, read_settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
LEAST = {"TABLE_PREFIX": "t-", "SITE_ORIGIN": "http://localhost:8000"}
URLS = ("SITE_ORIGIN", "MANAGEMENT_ENDPOINT", "KAKAO_AUTH_URL", "KAKAO_API_URL")


def test_what_has_a_default_may_be_left_out() -> None:
    assert read_settings(LEAST) == Settings(
        stage="dev",
        table_prefix="t-",
        site_origin="http://localhost:8000",
        management_endpoint="",
        secrets_parameter="",
        kakao_auth_url="https://kauth.kakao.com",
        kakao_api_url="https://kapi.kakao.com",
        kakao_oidc=False,
        background_function="",
        push_function="",
        frame_pace_ms=200,
        chat_window_ms=8000,
        new_account_hours=24,
    )


def test_every_variable_is_a_setting_of_its_name() -> None:
    fields = {field.name.upper() for field in dataclasses.fields(Settings)}
    assert fields == set(VARIABLES)
    urls = dict.fromkeys(URLS, "https://one.example")
    others = {"KAKAO_OIDC": "1", "FRAME_PACE_MS": "50", "CHAT_WINDOW_MS": "9000"}
    others["NEW_ACCOUNT_HOURS"] = "60"
    given = {name: f"value of {name}" for name in VARIABLES} | urls | others
    read = dataclasses.asdict(read_settings(given))
    assert read.pop("kakao_oidc") is True
    assert read.pop("frame_pace_ms") == 50
    assert read.pop("chat_window_ms") == 9000
    assert read.pop("new_account_hours") == 60
    assert read == {name.lower(): value for name, value in given.items() if name not in others}


@pytest.mark.parametrize("name", [name for name, default in VARIABLES.items() if default is None])
def test_a_missing_variable_is_named(name: str) -> None:
    environment = {key: value for key, value in LEAST.items() if key != name}
    with pytest.raises(SettingsError, match=name) as error:
        read_settings(environment)
    assert error.value.name == name


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("value", ["localhost:8000", "ftp://x", "//x", "javascript:alert(1)"])
def test_a_wrong_url_is_named_with_its_rule(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: must be an http or https URL") as error:
        read_settings({**LEAST, name: value})
    assert error.value.name == name
    assert value not in str(error.value)


@pytest.mark.parametrize("value", ["", "fast", "-1", "0.2", "5001", "٢٠٠"])
def test_a_wrong_pace_is_named_with_its_rule(value: str) -> None:
    with pytest.raises(SettingsError, match="FRAME_PACE_MS: must be a whole number from 0 to 5000"):
        read_settings({**LEAST, "FRAME_PACE_MS": value})


@pytest.mark.parametrize("value", ["", "-1", "60001", "1", "7500"])
def test_a_wrong_window_is_named_with_its_rule(value: str) -> None:
    with pytest.raises(SettingsError, match="CHAT_WINDOW_MS: must be"):
        read_settings({**LEAST, "CHAT_WINDOW_MS": value})


@pytest.mark.parametrize("value", [0, 7501, 60000])
def test_the_window_may_be_none_or_long(value: int) -> None:
    assert read_settings({**LEAST, "CHAT_WINDOW_MS": str(value)}).chat_window_ms == value


@pytest.mark.parametrize("value", [0, 5000])
def test_the_pace_may_be_none_or_slow(value: int) -> None:
    assert read_settings({**LEAST, "FRAME_PACE_MS": str(value)}).frame_pace_ms == value


@pytest.mark.parametrize("name", URLS)
def test_urls_end_without_a_slash(name: str) -> None:
    read = dataclasses.asdict(read_settings({**LEAST, name: "https://one.example/"}))
    assert read[name.lower()] == "https://one.example"


@pytest.mark.parametrize(
    ("origin", "is_https"), [("https://a.example", True), ("http://localhost:8000", False)]
)
def test_https_is_told_by_the_origin(origin: str, is_https: bool) -> None:
    assert read_settings({**LEAST, "SITE_ORIGIN": origin}).is_https is is_https


def test_nothing_of_it_can_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read_settings(LEAST).stage = "prod"  # type: ignore[misc]


def test_every_variable_is_documented() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    first_cells = {row.split("|")[1].strip() for row in rows}
    documented = {cell.strip("`") for cell in first_cells if cell.strip("`").isupper()}
    assert set(VARIABLES) <= documented


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(SecretValues)])
def test_every_secret_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENT.read_text(encoding="utf-8")


def test_secrets_are_not_shown() -> None:
    values = SecretValues("one-id", "one-secret", "one-key", "one-identity")
    assert "one-" not in repr(values)
    assert "one-" not in f"{values}"
