"""The code that is explored, with something in its source exchanged."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from chalicelib import pushing, rows, steps, writing
from tests.simulation.explorer import room
from tests.simulation.explorer.world import Code


def mutate(of: ModuleType, old: str, new: str) -> Code:
    """The code with ``old`` in one of its modules exchanged; it must be there once."""
    source = inspect.getsource(of)
    if source.count(old) != 1:
        raise ValueError(f"{of.__name__} has {old!r} {source.count(old)} times")
    mutant = _execute(of, source.replace(old, new))
    if of is writing:
        pushing_on_it = _execute(pushing, inspect.getsource(pushing))
        vars(pushing_on_it)["writing"] = mutant
        return Code(writing=mutant, pushing=pushing_on_it)
    if of is pushing:
        return Code(pushing=mutant)
    if of is rows:
        return Code(unread=vars(mutant)["unread"])
    if of is room:
        return Code(room=mutant)
    if of is steps:
        room_of_it = _execute(room, inspect.getsource(room))
        vars(room_of_it)["Claims"] = vars(mutant)["Claims"]
        return Code(room=room_of_it)
    raise ValueError(of.__name__)


def _execute(of: ModuleType, source: str) -> Any:
    # Under the name of the original, which is what dataclasses look up.
    module = ModuleType(of.__name__)
    exec(compile(source, f"<mutant of {of.__name__}>", "exec"), vars(module))
    return module
