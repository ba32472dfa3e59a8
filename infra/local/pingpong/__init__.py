"""Ping-Pong on the local stack: its site behind one origin, its secrets, a stand-in for Kakao."""
