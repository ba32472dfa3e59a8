"""Runs the real writing and pushing of a room's log at random interleavings, with faults.

``make explore RUNS=1000000`` and ``make explore SEED=123``; see docs/decisions/0015-explored.md.
"""
