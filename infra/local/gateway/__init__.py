"""API Gateway's WebSocket APIs on one machine, for whatever is deployed on the emulator.

What is the same as on AWS and what is not: docs/local-gateway.md.
"""

from infra.local.gateway.server import Gateway, GatewayConfig

__all__ = ["Gateway", "GatewayConfig"]
