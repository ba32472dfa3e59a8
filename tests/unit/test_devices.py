"""What is read out of a User-Agent header."""

from __future__ import annotations

import pytest

from chalicelib.devices import Device, read

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) "
    "AppleWebKit/605.1.15 (KHTML, like Gecko)"
)
ANDROID = "Mozilla/5.0 (Linux; Android 15; SM-S931N)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (f"{WINDOWS} {WEBKIT} Chrome/140.0.0.0 Safari/537.36", "chrome", "windows"),
        (f"{WINDOWS} {WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "edge", "windows"),
        (
            f"{WINDOWS} {WEBKIT} Chrome/138.0.0.0 Whale/4.33.325.17 Safari/537.36",
            "whale",
            "windows",
        ),
        (f"{WINDOWS} {WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "opera", "windows"),
        (f"{ANDROID} {WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36", "chrome", "android"),
        (
            f"{ANDROID} {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "samsung",
            "android",
        ),
        (
            f"{ANDROID} {WEBKIT} Version/4.0 Chrome/140.0 Mobile Safari/537.36 KAKAOTALK/25.8.0",
            "kakaotalk",
            "android",
        ),
        (f"{IPHONE} Version/18.0 Mobile/15E148 Safari/604.1", "safari", "ios"),
        (f"{IPHONE} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1", "chrome", "ios"),
        (f"{IPHONE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "firefox", "ios"),
        (f"{IPHONE} NAVER(inapp; search; 2000; 12.14.0)", "naver", "ios"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "firefox",
            "linux",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.0 Safari/605.1.15",
            "safari",
            "macos",
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/140.0 Safari/537.36",
            "chrome",
            "chromeos",
        ),
        ("python-requests/2.32", "", ""),
        ("", "", ""),
        (None, "", ""),
        ("x" * 1_000_000 + "Android Chrome/1", "", ""),
    ],
)
def test_a_device_is_known_by_its_browser_and_system(
    user_agent: str | None, browser: str, system: str
) -> None:
    assert read(user_agent) == Device(browser, system)
