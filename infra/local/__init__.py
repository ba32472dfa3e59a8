"""Runs the production template on a laptop: an emulated AWS, one origin, a Kakao stand-in."""
