"""Runs the real matching (``chalicelib.matching``) with crowds of people, and with faults.

A call of a step takes effect at one moment, some time after it was made; so calls of many people
meet in any order. See docs/decisions/0030-match.md.
"""
