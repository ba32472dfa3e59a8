"""What runs Ping-Pong: on AWS (infra.aws) and on a laptop (infra.local)."""
