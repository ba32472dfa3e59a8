"""What the stand-in remembers: people, who is linked, tokens, browser sessions, the signing key.

Tokens and session ids are kept as SHA-256 hashes. With a file (state_file.py), everything but
authorization codes survives a restart.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from infra.errors import InfraError
from infra.local.kakao.state_file import StateFile

#: Seconds, as Kakao's: https://developers.kakao.com/docs/latest/en/kakaologin/common#token
ACCESS_SECONDS: Final = 21_599
REFRESH_SECONDS: Final = 5_183_999
SESSION_SECONDS: Final = 24 * 3600
_VERSION: Final = 1


class StateFileError(InfraError):
    """The state file exists but can't be used. ``path`` is where it is."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is not the Kakao stand-in's state ({reason}); delete it to start anew "
            "(the people made up so far are forgotten)"
        )


@dataclass(frozen=True)
class Person:
    """Somebody with a Kakao account. ``key`` names the ones that are always there."""

    id: int
    nickname: str
    email: str | None
    key: str | None = None


@dataclass(frozen=True)
class Link:
    """A person's link with the app, and what they consented to tell it."""

    connected_at: float
    nickname: bool
    email: bool


@dataclass(frozen=True)
class Token:
    """An access or refresh token; ``pair`` is common to those that were issued together."""

    kind: str
    person: int
    scopes: list[str]
    expires: float
    pair: str
    auth_time: float


@dataclass(frozen=True)
class Session:
    """A browser that is signed in at Kakao."""

    person: int
    auth_time: float


PEOPLE: Final = (
    Person(3_000_000_001, "지민", "jimin@example.com", "jimin"),
    Person(3_000_000_002, "서준", "seojun@example.com", "seojun"),
    Person(3_000_000_003, "하은", "haeun@example.com", "haeun"),
    Person(3_000_000_004, "Alex", "alex@example.com", "alex"),
)


@dataclass
class _Data:
    """People and links are by the person's id, as text; tokens and sessions by their hash."""

    made_up: dict[str, Person] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    key: dict[str, Any] | None = None


class Store:
    """All of it; every method that changes something saves it."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        """``path`` None keeps everything in memory; ``clock`` as time.time.

        Raises StateFileError.
        """
        self._file = StateFile(path) if path is not None else None
        #: Whether rows have changed since all of it was saved.
        self._has_changed = False
        self._clock = clock
        self._data = _read(self._file) if self._file and self._file.path.exists() else _Data()
        self._key: RSAKey | None = None

    def people(self) -> list[Person]:
        """The people that are always there, then the made up ones, oldest first."""
        return [*PEOPLE, *self._data.made_up.values()]

    def find(self, name: str) -> Person | None:
        """Returns the person with this key or id."""
        matches = (person for person in PEOPLE if name in (person.key, str(person.id)))
        return next(matches, None) or self._data.made_up.get(name)

    def add(self, nickname: str, email: str | None) -> Person:
        """Makes up a person."""
        person = Person(3_100_000_000 + secrets.randbelow(900_000_000), nickname, email)
        if str(person.id) in self._data.made_up:
            return self.add(nickname, email)
        self._data.made_up[str(person.id)] = person
        self._save("made_up", str(person.id))
        return person

    def remove(self, person: int) -> None:
        """Forgets a made-up person."""
        self._data.made_up.pop(str(person), None)
        self._save("made_up", str(person))

    def links(self) -> list[tuple[Person, Link]]:
        """Who is linked with the app."""
        people = ((person, self.link_of(person.id)) for person in self.people())
        return [(person, link) for person, link in people if link is not None]

    def link_of(self, person: int) -> Link | None:
        """Returns the person's link with the app."""
        return self._data.links.get(str(person))

    def link(self, person: int, *, nickname: bool, email: bool) -> None:
        """Links the person, or renews what they consent to."""
        known = self.link_of(person)
        connected_at = known.connected_at if known else self._clock()
        self._data.links[str(person)] = Link(connected_at, nickname, email)
        self._save("links", str(person))

    def unlink(self, person: int) -> bool:
        """Ends the link and every token; False when there was no link."""
        link = self._data.links.pop(str(person), None)
        self._save("links", str(person))
        self.drop_tokens(lambda token: token.person == person)
        return link is not None

    def issue(self, kind: str, person: int, scopes: list[str], pair: str, auth_time: float) -> str:
        """Returns a new ``access`` or ``refresh`` token."""
        value = secrets.token_urlsafe(32)
        lifetime = ACCESS_SECONDS if kind == "access" else REFRESH_SECONDS
        expires = self._clock() + lifetime
        token = Token(kind, person, scopes, expires, pair, auth_time)
        self._data.tokens[_hash(value)] = token
        self._save("tokens", _hash(value))
        return value

    def token(self, kind: str, value: str) -> Token | None:
        """Returns what a token stands for, unless it is unknown or expired."""
        token = self._data.tokens.get(_hash(value))
        if token is None or token.kind != kind or token.expires <= self._clock():
            return None
        return token

    def drop_tokens(self, unwanted: Callable[[Token], bool]) -> None:
        """Makes the tokens invalid that ``unwanted`` picks."""
        names = [name for name, token in self._data.tokens.items() if unwanted(token)]
        for name in names:
            del self._data.tokens[name]
        self._save("tokens", *names)

    def open_session(self, person: int) -> str:
        """Returns the id of a new browser session."""
        value = secrets.token_urlsafe(24)
        self._data.sessions[_hash(value)] = Session(person, self._clock())
        self._save("sessions", _hash(value))
        return value

    def session(self, value: str) -> tuple[Person, Session] | None:
        """Returns who is signed in, unless the session is unknown or a day old."""
        session = self._data.sessions.get(_hash(value))
        if session is None or session.auth_time + SESSION_SECONDS <= self._clock():
            return None
        person = self.find(str(session.person))
        return (person, session) if person else None

    def close_session(self, value: str) -> None:
        """Ends a browser session."""
        if self._data.sessions.pop(_hash(value), None):
            self._save("sessions", _hash(value))

    def signing_key(self) -> RSAKey:
        """Returns the key of the id tokens, making it when it is first needed."""
        if self._key is None:
            if self._data.key is None:
                self._data.key = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)
                self._save_all()
            self._key = RSAKey.import_key(self._data.key)
        return self._key

    def close(self) -> None:
        """The last that is asked of it."""
        if self._has_changed:
            self._save_all()

    def _save_all(self) -> None:
        """Save all of it, without what has expired."""
        if self._file is None:
            return
        now = self._clock()
        tokens = {name: t for name, t in self._data.tokens.items() if t.expires > now}
        sessions = self._data.sessions.items()
        live = {name: s for name, s in sessions if s.auth_time + SESSION_SECONDS > now}
        self._data.tokens, self._data.sessions = tokens, live
        self._file.write({"version": _VERSION, **asdict(self._data)})
        self._has_changed = False

    def _save(self, part: str, *names: str) -> None:
        """Save these rows of a part of it, each as it is now."""
        if self._file is None:
            return
        rows = getattr(self._data, part)
        changes = [(part, name, asdict(rows[name]) if name in rows else None) for name in names]
        self._has_changed = True
        if not self._file.add(changes):
            self._save_all()


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


def _read(file: StateFile) -> _Data:
    try:
        content = file.read()
        if content["version"] != _VERSION:
            raise StateFileError(file.path, f"its version is not {_VERSION}")
        key = content["key"]
        if key is not None:
            RSAKey.import_key(key)
        return _Data(
            made_up={name: Person(**value) for name, value in content["made_up"].items()},
            links={name: Link(**value) for name, value in content["links"].items()},
            tokens={name: Token(**value) for name, value in content["tokens"].items()},
            sessions={name: Session(**value) for name, value in content["sessions"].items()},
            key=key,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
        raise StateFileError(file.path, f"{type(error).__name__} in reading it") from error
