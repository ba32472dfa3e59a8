"""Everything that can be wrong with what was asked, under one base.

Each error carries the code that goes over the wire and a message for developers that
names the field and the rule. The texts that people see are in the site, by code.
"""

from __future__ import annotations

from typing import ClassVar

from chalicelib.protocol import ErrorCode


class PingPongError(Exception):
    """A request was refused; nothing was changed."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    #: Whether a client that keeps to the protocol, and knows what it was told, would not have
    #: asked for it; not so where time or somebody else is to blame.
    is_input_wrong: ClassVar[bool] = True

    def __init__(self, message: str, *, field: str = "", retry_after_ms: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        #: When the same may be asked for again; 0 where time alone does not help.
        self.retry_after_ms = retry_after_ms


class InvalidFrameError(PingPongError):
    """The frame is not a JSON object of the protocol."""

    code = ErrorCode.INVALID_FRAME


class UnknownTypeError(PingPongError):
    """The frame's ``type`` is none of the commands."""

    code = ErrorCode.UNKNOWN_TYPE


class InvalidFieldError(PingPongError):
    """A field breaks its rule."""

    code = ErrorCode.INVALID_FIELD

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}", field=field)


class BadWordError(InvalidFieldError):
    """A name has a word that nobody has to read."""

    code = ErrorCode.BAD_WORD

    def __init__(self, field: str) -> None:
        super().__init__(field, "must not have a word of the list (words.txt)")


class HelloFirstError(PingPongError):
    """A command came before ``session.hello``."""

    code = ErrorCode.HELLO_FIRST

    def __init__(self) -> None:
        super().__init__("send session.hello before any other command")


class SignedOutError(PingPongError):
    """The session or the connection is no longer valid."""

    code = ErrorCode.SIGNED_OUT
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("not signed in, or signed out meanwhile")


class StaleError(PingPongError):
    """The frame came too late: its sender may have repeated it already."""

    code = ErrorCode.STALE
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("took too long on its way; repeat it with retry_since")


class RoomNotFoundError(PingPongError):
    """No open room has that id."""

    code = ErrorCode.ROOM_NOT_FOUND

    def __init__(self, room_id: str) -> None:
        super().__init__(f"room_id: no open room {room_id!r}", field="room_id")


class RoomNameTakenError(PingPongError):
    """Another room has that name."""

    code = ErrorCode.ROOM_NAME_TAKEN
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("name: another room has it", field="name")


class NotMemberError(PingPongError):
    """Only members may do that."""

    code = ErrorCode.NOT_MEMBER

    def __init__(self, room_id: str) -> None:
        super().__init__(f"room_id: not a member of {room_id!r}", field="room_id")


class TooManyRoomsError(PingPongError):
    """The person is in as many rooms as one may be."""

    code = ErrorCode.TOO_MANY_ROOMS

    def __init__(self, maximum: int) -> None:
        super().__init__(f"one person can be in {maximum} rooms; leave one first")
        self.maximum = maximum


class HostMustChooseError(PingPongError):
    """A host who leaves others behind says who follows, or that the room is closed."""

    code = ErrorCode.HOST_MUST_CHOOSE

    def __init__(self) -> None:
        super().__init__("the host leaves with successor_id, or with close: true")


class SuccessorNotMemberError(PingPongError):
    """The person who is to follow as host is not in the room."""

    code = ErrorCode.SUCCESSOR_NOT_MEMBER

    def __init__(self) -> None:
        super().__init__("successor_id: must be another member of the room", field="successor_id")


class NotHostError(PingPongError):
    """Only the host may do that."""

    code = ErrorCode.NOT_HOST

    def __init__(self) -> None:
        super().__init__("only the host may do that")


class NotAllowedError(PingPongError):
    """One's role in the room is too low for that, or theirs too high."""

    code = ErrorCode.NOT_ALLOWED

    def __init__(self) -> None:
        super().__init__("takes a higher role in the room than one has")


class MemberNotFoundError(PingPongError):
    """The person it is to be done to is not in the room."""

    code = ErrorCode.MEMBER_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("user_id: must be another member of the room", field="user_id")


class TooManyManagersError(PingPongError):
    """The room has as many managers as it can have."""

    code = ErrorCode.TOO_MANY_MANAGERS

    def __init__(self, maximum: int) -> None:
        super().__init__(f"user_id: a room can have {maximum} managers", field="user_id")


class BannedError(PingPongError):
    """The room's host or managers do not let this person in."""

    code = ErrorCode.BANNED

    def __init__(self) -> None:
        super().__init__("room_id: banned from this room", field="room_id")


class RoomLockedError(PingPongError):
    """Nobody new is let into the room."""

    code = ErrorCode.ROOM_LOCKED
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("room_id: nobody new is let in", field="room_id")


class InviteNeededError(PingPongError):
    """The room is private, and the person comes without an invitation."""

    code = ErrorCode.INVITE_NEEDED

    def __init__(self) -> None:
        super().__init__("invite: the room is private", field="invite")


class PasscodeNeededError(PingPongError):
    """The room asks for a passcode, and none was given."""

    code = ErrorCode.PASSCODE_NEEDED
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("passcode: the room asks for one", field="passcode")


class PasscodeWrongError(PingPongError):
    """It is not the room's passcode."""

    code = ErrorCode.PASSCODE_WRONG
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("passcode: is not the room's", field="passcode")


class RoomFullError(PingPongError):
    """As many are in the room as can be."""

    code = ErrorCode.ROOM_FULL
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("room_id: as many are in it as can be", field="room_id")


class InviteNotFoundError(PingPongError):
    """No invitation has that secret, or not any more."""

    code = ErrorCode.INVITE_NOT_FOUND
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("invite: revoked, expired, or never made", field="invite")


class InviteUsedUpError(PingPongError):
    """The invitation has let in as many as it could."""

    code = ErrorCode.INVITE_USED_UP
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("invite: has let in as many as it could", field="invite")


class TooManyInvitesError(PingPongError):
    """There are as many live links as there can be."""

    code = ErrorCode.TOO_MANY_INVITES

    def __init__(self) -> None:
        super().__init__("there are as many live invitations as can be; revoke one first")


class ChatNotFoundError(PingPongError):
    """There is no such chat, or it is deleted."""

    code = ErrorCode.CHAT_NOT_FOUND

    def __init__(self, seq: int, *, field: str = "seq") -> None:
        super().__init__(f"{field}: there is no chat {seq} in this room", field=field)


class NotAuthorError(PingPongError):
    """Only who said it may do that."""

    code = ErrorCode.NOT_AUTHOR

    def __init__(self) -> None:
        super().__init__("seq: must be of a chat of one's own", field="seq")


class TooManyReactionsError(PingPongError):
    """The chat has as many reactions as it can have."""

    code = ErrorCode.TOO_MANY_REACTIONS

    def __init__(self, maximum: int) -> None:
        super().__init__(f"emoji: a chat can have {maximum} reactions", field="emoji")


class NotYetError(PingPongError):
    """Allowed, but not now: the same may be asked for when ``retry_after_ms`` are over."""

    is_input_wrong = False

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__(message, retry_after_ms=max(1, retry_after_ms))


class TooFastError(NotYetError):
    """So much in so short a time is more than one person may do."""

    code = ErrorCode.TOO_FAST


class SlowModeError(NotYetError):
    """The room is in slow mode, and the person has said something just now."""

    code = ErrorCode.SLOW_MODE


class SilencedError(NotYetError):
    """Somebody who may has silenced the person in the room for a time."""

    code = ErrorCode.SILENCED


class SuspendedError(NotYetError):
    """An operator has excluded the person for a time."""

    code = ErrorCode.SUSPENDED


class UserNotFoundError(PingPongError):
    """Nobody has that id, or not any more."""

    code = ErrorCode.USER_NOT_FOUND
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("user_id: there is nobody of that id", field="user_id")


class TooManyBlocksError(PingPongError):
    """The person has blocked as many as one can."""

    code = ErrorCode.TOO_MANY_BLOCKS

    def __init__(self, maximum: int) -> None:
        super().__init__(f"one can block {maximum} people; unblock somebody first")
        self.maximum = maximum


class ForbiddenOriginError(PingPongError):
    """The request came from another site."""

    code = ErrorCode.FORBIDDEN_ORIGIN

    def __init__(self) -> None:
        super().__init__("Origin: must be the site's own", field="Origin")


class NewAccountError(PingPongError):
    """The person has signed up lately, and may not do so much yet."""

    code = ErrorCode.NEW_ACCOUNT

    def __init__(self, what: str, retry_after_ms: int) -> None:
        super().__init__(f"{what}; more when the account is older", retry_after_ms=retry_after_ms)


class ConsentRequiredError(PingPongError):
    """The person has not agreed to the terms as they are now."""

    code = ErrorCode.CONSENT_REQUIRED
    is_input_wrong = False

    def __init__(self) -> None:
        super().__init__("agree to the terms first: POST /api/consent")


class ConsentRefusedError(PingPongError):
    """The person cancelled on Kakao's page."""

    code = ErrorCode.CONSENT_REFUSED
    is_input_wrong = False


class SignInExpiredError(PingPongError):
    """The sign-in was begun too long ago, in another browser, or was used already."""

    code = ErrorCode.SIGN_IN_EXPIRED
    is_input_wrong = False


class KakaoRefusedError(PingPongError):
    """Kakao answered with an error that trying again will not mend by itself."""

    code = ErrorCode.KAKAO_REFUSED
    is_input_wrong = False


class KakaoUnavailableError(PingPongError):
    """Kakao did not answer in time, or answered 5xx."""

    code = ErrorCode.KAKAO_UNAVAILABLE
    is_input_wrong = False
