"""Ping-Pong's server: what happens when a person signs in, meets and chats."""
