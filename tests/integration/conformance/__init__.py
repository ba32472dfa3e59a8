"""What AWS documents of the services that the app uses, tried on each emulator.

Every test is a case: one sentence that AWS's documentation says (its docstring), with the page
that says it. Where an emulator is known to do otherwise, deviations.py says so, and the case
must fail there: it fails the run when it begins to conform. docs/conformance.md is made from
the runs (``make conformance``).
"""
