"""What axe-core finds wrong with a page, in both themes."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

from tests.support.stack import ROOT

SOURCE: Final = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
#: WCAG 2.2 A and AA, and what axe calls good practice.
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: All rules of these tags that look at colours. The others say the same in every theme.
COLOURS: Final = ["color-contrast", "link-in-text-block"]

RUN: Final = """
async ({ type, values }) => {
  const { violations } = await axe.run(document, {
    runOnly: { type, values },
    rules: type === 'tag' ? { 'target-size': { enabled: true } } : {},
    resultTypes: ['violations'],
  });
  return violations.map(({ id, nodes }) => [id, nodes.map((node) =>
    `${node.target.join(' ')}: ${node.failureSummary.split('\\n').slice(1).join(' ').trim()}`)]);
}
"""


def violations(page: Page) -> list[str]:
    """Each rule that is broken, in which theme, and by what: themes differ in colours alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SOURCE.read_text())
    rules = {"light": {"type": "tag", "values": TAGS}, "dark": {"type": "rule", "values": COLOURS}}
    found: list[str] = []
    for theme, what in rules.items():
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        broken: list[Any] = page.evaluate(RUN, what)
        found += [f"{theme}: {rule}: {node}" for rule, nodes in broken for node in nodes]
    return found
