"""What Ping-Pong costs on AWS, in money: `make cost`, and docs/costs.md."""
