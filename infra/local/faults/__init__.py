"""Faults on request: what AWS does to an app once in a while, done often and repeatably.

A plan (rules.py, plan_file.py) says what is to fail, how often, and a seed. An injector
(injector.py) decides for each event, the same way in each run. Two places ask it:

- calls between the Lambdas and AWS go through a proxy (proxy.py) that delays, refuses or
  cuts them, before or after they were executed;
- the WebSocket gateway asks about messages, $disconnect and posts to connections, and the
  emulator about invocations (killing.py).

session.py is what a supervisor starts and stops. It fits any app; docs/faults.md is for
those who write plans.
"""
