"""How deep an invocation counts: Lambda stops functions that call themselves again and again."""

from __future__ import annotations

import contextvars

from infra.local.ministack import calls


def chain() -> tuple[calls.Invocation, calls.Invocation]:
    """One invocation asks for another, and ends before that begins."""
    with calls.invocation() as caller:
        assert calls.arrived({"x-amzn-trace-id": caller.header}) is caller
    with calls.invocation() as called:
        return caller, called


def test_an_invocation_counts_as_deep_as_its_caller_was_when_it_asked() -> None:
    caller, called = contextvars.Context().run(chain)
    assert (caller.depth, called.depth) == (1, 2)
    assert (called.root, called.parent) == (caller.root, caller.segment)


def test_a_request_from_outside_begins_anew() -> None:
    def outside() -> calls.Invocation:
        caller, _ = chain()
        assert calls.arrived({"x-amzn-trace-id": caller.header}) is None
        with calls.invocation() as begun:
            return begun

    assert contextvars.Context().run(outside).depth == 1
