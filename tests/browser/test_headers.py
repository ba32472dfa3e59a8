"""The site lives with the headers that CloudFront sends: the local edge has them from the template.

That no test breaks the Content Security Policy is seen to by the fixture `person`; here is what
that rests on: the policy is sent, it is the template's, and a browser that obeys it tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from infra.aws import template as templates
from infra.local.headers import security_headers
from tests.browser.people import Person, new_person
from tests.support.site import unique
from tests.support.stack import StackSite

People = Callable[..., Person]

#: Has the page keep what its policy has stopped.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
    event => window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


def expected_headers() -> dict[str, str]:
    """By lower-case name, for an origin without TLS."""
    merged = templates.merge_template()
    merged["Resources"] = {name: b for name, b in merged["Resources"].items() if "Type" in b}
    headers = security_headers(merged, https=False)
    return {name.lower(): value for name, value in headers.items()}


def violations(someone: Person) -> list[str]:
    found: list[str] = someone.page.evaluate("window.violations")
    return found


@pytest.fixture
def visitor(chromium: Browser, stack_site: StackSite) -> Iterator[Person]:
    """Somebody whose page may break the rules."""
    someone = new_person(chromium, stack_site)
    someone.page.add_init_script(LISTEN)
    yield someone
    someone.page.context.close()


@pytest.mark.parametrize("path", ["/", "/rooms", "/api/health"])
def test_pages_and_the_api_have_the_templates_headers(visitor: Person, path: str) -> None:
    answer = visitor.page.goto(visitor.origin + path)
    assert answer is not None
    sent = answer.all_headers()
    expected = expected_headers()
    assert {"content-security-policy", "x-frame-options", "permissions-policy"} <= set(expected)
    assert {name: sent.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("attempt", "stopped"),
    [
        (
            "document.body.append(Object.assign(document.createElement('script'),"
            " {textContent: 'window.ran = true'}))",
            "script-src",
        ),
        ("document.body.setAttribute('style', 'color: red')", "style-src"),
        ("fetch('https://elsewhere.invalid/').catch(() => {})", "connect-src"),
        (
            "document.body.append(Object.assign(new Image(), {src: 'https://elsewhere.invalid/x'}))",
            "img-src",
        ),
    ],
)
def test_a_browser_stops_what_the_policy_forbids(
    visitor: Person, attempt: str, stopped: str
) -> None:
    visitor.page.goto(visitor.origin)
    assert violations(visitor) == []
    visitor.page.evaluate(attempt)
    visitor.page.wait_for_function("window.violations.length > 0")
    assert all(told.startswith(stopped) for told in violations(visitor))
    assert visitor.page.evaluate("window.ran") is None


def test_signing_in_and_talking_breaks_no_rule(visitor: Person, person: People) -> None:
    haeun = person("하은")
    told: list[Any] = []
    # A page's own list goes with it, when another is opened.
    visitor.page.on("console", lambda message: told.append(message.text))
    visitor.sign_in("지민")
    name = unique("탁구")
    visitor.open_room(name)
    haeun.open_room(name)
    haeun.say("<img src=x onerror=alert(1)> https://example.org/ 🏓")
    visitor.sees("<img src=x onerror=alert(1)> https://example.org/ 🏓")
    visitor.say("안녕하세요!")
    haeun.sees("안녕하세요!")
    assert violations(visitor) == []
    visitor.page.reload()
    visitor.sees("안녕하세요!")
    assert violations(visitor) == []
    assert [text for text in told if "Content Security Policy" in text] == []
