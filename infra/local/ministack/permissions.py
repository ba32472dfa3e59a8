"""What Lambdas' roles let them do: decided once, told in AWS's words, and noted.

MiniStack gives each Lambda its own role's session and evaluates the role's policies for each
request. Here a decision is remembered, a refusal names the statement that is missing, and what
a role was used for is written to a file, so that a policy can be compared with it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import contextvars
import functools
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import AuthError, EvalResult, PrincipalInfo
from ministack.core.responses import get_account_id
from ministack.services import iam, sts

from infra.local.ministack import missing_permission
from infra.local.permission_modes import ENFORCE, MODE, USED_FILE

Json: TypeAlias = dict[str, Any]
Emit: TypeAlias = Callable[[Json], None]
Denied: TypeAlias = AuthError | EvalResult | None

#: Decisions that are remembered; a post to connections is one for all of them.
DECISIONS_MAX: Final = 4096

#: Services whose resources have policies of their own, which may change or deny, too.
_OWN_POLICIES: Final = frozenset(iam_evaluator._RESOURCE_POLICY_LOOKUPS)

#: How a service of AWS refuses, where MiniStack does otherwise: the status. The text names the
#: resource. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_STATUS: Final = {"dynamodb": 400, "lambda": 403, "sqs": 403, "sns": 403, "states": 400}

#: Action and resource that were refused in the request that is served: of a transaction or a
#: batch it is one part.
_refused: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar(
    "pingpong_refused", default=None
)


@dataclass(frozen=True)
class Role:
    """A Lambda's role, as it is now."""

    name: str
    function: str
    account: str
    record: Json

    def stamp(self) -> tuple[object, ...]:
        """Something that is another when its policies are; cheap to make and to compare."""
        attached = self.record.get("AttachedPolicies") or ()
        return (
            *(self.record.get("InlinePolicies") or {}).items(),
            *attached,
            *(iam_evaluator._resolve_managed_policy_document(a, self.account) for a in attached),
            self.record.get("PermissionsBoundary"),
        )


def role_of(access_key_id: str) -> Role | None:
    """The role that a Lambda's access key is a session of; None for all other keys."""
    session = sts._sessions.get(access_key_id)
    # Others that assumed a role may have session policies, and expire.
    if not session or session.get("SessionPolicies") or session.get("Expiration"):
        return None
    head, _, rest = str(session.get("Arn", "")).partition(":assumed-role/")
    name, _, function = rest.partition("/")
    account = head.rpartition(":")[2]
    record = iam._roles.get_scoped(account, None, name) if name else None
    return Role(name, function, account, record) if record is not None else None


@dataclass
class Permissions:
    """Decides what roles may do, for MiniStack and the gateway."""

    emit: Emit
    is_enforced: bool = True
    used_file: Path | None = None
    _decided: dict[tuple[str, str, str], tuple[object, ...]] = field(default_factory=dict)
    _noted: set[tuple[str, str, str, bool]] = field(default_factory=set)
    _told: set[tuple[str, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._enforce = iam_evaluator.enforce
        if self.used_file is not None:
            self.used_file.write_text("", encoding="utf-8")

    def enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Json | None = None,
    ) -> Denied:
        """What MiniStack asks for each action of a request: None if it is allowed."""
        asked = (access_key_id, iam_action, resource_arn)
        role = role_of(access_key_id)
        if role is None:
            return self._enforce(*asked[:2], service, region, resource_arn, service_context)
        stamp = role.stamp()
        if self._decided.get(asked) == stamp:
            checked = iam_evaluator.authenticate(access_key_id, get_account_id())
            return checked if isinstance(checked, AuthError) else None
        denied = self._enforce(*asked[:2], service, region, resource_arn, service_context)
        if isinstance(denied, AuthError):
            return denied
        if denied is None:
            self._note(role, iam_action, resource_arn, is_allowed=True)
            for decision in ("Deny", "ImplicitDeny"):  # is news again
                self._told.discard((role.name, iam_action, resource_arn, decision))
            self._remember(asked, stamp, service, access_key_id)
            return None
        return self._deny(role, denied, access_key_id, iam_action, resource_arn, service_context)

    def _remember(
        self, asked: tuple[str, str, str], stamp: tuple[object, ...], service: str, key: str
    ) -> None:
        """Remember what is allowed, if nothing but the role's policies says so."""
        principal = iam_evaluator.resolve_principal(key, get_account_id())
        if service in _OWN_POLICIES or isinstance(principal, AuthError) or principal.limits:
            return
        policies = principal.policies or []
        if any(statement.conditions for policy in policies for statement in policy):
            return
        if len(self._decided) >= DECISIONS_MAX:
            self._decided.clear()
        self._decided[asked] = stamp

    def _deny(
        self,
        role: Role,
        denied: EvalResult,
        key: str,
        action: str,
        resource: str,
        context: Json | None,
    ) -> Denied:
        """Deny, unless it cannot be known here, or is only to be told."""
        principal = iam_evaluator.resolve_principal(key, get_account_id())
        if denied.decision != "Deny" and isinstance(principal, PrincipalInfo):
            unknown = missing_permission.unknown_here(
                role.record, principal, action, resource, context or {}
            )
            if unknown is not None:
                self._tell_once((role.name, unknown), unknown_permission=f"{role.name}: {unknown}")
                return None
        self._note(role, action, resource, is_allowed=False)
        lines = missing_permission.told(
            role.function,
            role.name,
            action,
            resource,
            is_explicit=denied.decision == "Deny",
            by_resource=denied.resource_policy_arn,
            is_enforced=self.is_enforced,
        )
        what = (role.name, action, resource, denied.decision)
        self._tell_once(what, missing_permission="\n".join(lines))
        if not self.is_enforced:
            return None
        _refused.set((action, resource))
        return denied

    def _tell_once(self, what: tuple[str, ...], **message: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self.emit(message)

    def _note(self, role: Role, action: str, resource: str, *, is_allowed: bool) -> None:
        """Write down what a role was used for, the first time."""
        noted = (role.function, action, resource, is_allowed)
        if self.used_file is None or noted in self._noted:
            return
        self._noted.add(noted)
        names = ("function", "action", "resource", "allowed")
        said = {"role": role.name, **dict(zip(names, noted, strict=True))}
        with self.used_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")


def mend(emit: Emit, environment: MutableMapping[str, str]) -> None:
    """Have MiniStack ask here.

    Args:
        emit: is told ``{"missing_permission": lines}`` or ``{"unknown_permission": text}``,
            once for each.
        environment: this process's: what permission_modes.py names.
    """
    used_file = environment.get(USED_FILE)
    permissions = Permissions(
        emit,
        is_enforced=environment.get(MODE, ENFORCE) == ENFORCE,
        used_file=Path(used_file) if used_file else None,
    )
    # The application imports both names anew for each request.
    iam_evaluator.enforce = permissions.enforce
    answer = iam_actions.access_denied_response

    @functools.wraps(answer)
    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **more: Any
    ) -> tuple[int, Json, bytes]:
        refused, status = _refused.get(), _STATUS.get(service)
        if refused is None or status is None or more.get("error_code"):
            told: tuple[int, Json, bytes] = answer(
                service, action, principal_arn, request_id, **more
            )
            return told
        action, resource = refused
        if not more.get("resource_policy_arn"):
            more["message"] = iam_actions.identity_denial_message(
                action, principal_arn, resource, bool(more.get("explicit_deny"))
            )
        _, headers, body = answer(service, action, principal_arn, request_id, **more)
        return status, headers, body

    iam_actions.access_denied_response = access_denied_response
