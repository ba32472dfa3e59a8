"""IAM as MiniStack enforces it: quicker, and for the gateway, too."""

from __future__ import annotations

import contextvars
import functools
from typing import Any, TypeAlias

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, set_request_account_id, set_request_region

Json: TypeAlias = dict[str, Any]


def mend() -> None:
    """Resolve the caller's ARN for resource policies when one is looked at.

    MiniStack resolves it, with all policies of its role, before each request.
    """
    resolve = iam_evaluator.request_caller_arn
    pinned = iam_evaluator._request_caller_arn
    asked: contextvars.ContextVar[tuple[Json, Json | None] | None] = contextvars.ContextVar(
        "pingpong_caller", default=None
    )

    def pin_request_caller(headers: Json, query_params: Json | None = None) -> None:
        pinned.set("")
        asked.set((headers, query_params))

    caller_arn = iam_evaluator.caller_arn

    @functools.wraps(caller_arn)
    def named() -> str:
        request = asked.get()
        if request is not None and not pinned.get():
            pinned.set(resolve(*request))
        return str(caller_arn())

    iam_evaluator.pin_request_caller = pin_request_caller
    iam_evaluator.caller_arn = named


def authorize(request: Json, region: str) -> Json:
    """Whether the owner of an access key may do something, and the key's secret.

    Args:
        request: ``access_key_id``, ``session_token`` or none, ``action``, ``resource``.
        region: of the request.

    Returns:
        ``secret`` to check a signature with, null if there is no such key; ``allowed``;
        ``error``: why not, as AWS words it, or null.
    """
    return contextvars.copy_context().run(_authorize, request, region)


def _authorize(request: Json, region: str) -> Json:
    key, action = str(request["access_key_id"]), str(request["action"])
    resource = str(request["resource"])
    refused = {"secret": None, "allowed": False}
    if not key:
        return {**refused, "error": "Missing Authentication Token"}
    try:
        set_request_account_id(app._request_account_scope(key))
    except iam_evaluator.AmbiguousAccessKeyError:
        return {**refused, "error": "The security token included in the request is invalid."}
    set_request_region(region)
    account = iam_evaluator_account(key)
    credential = iam_evaluator.resolve_credential(key, account, request.get("session_token") or "")
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return {**refused, "error": credential.message}
    # Nothing is signed here: the gateway checks the signature, with the secret.
    denied = iam_evaluator.enforce(
        key, action, action.partition(":")[0], region, resource_arn=resource
    )
    allowed = {"secret": credential.secret_access_key, "allowed": True, "error": None}
    if denied is None:
        return allowed
    if isinstance(denied, iam_evaluator.AuthError):
        return {**refused, "error": denied.message}
    why = (
        "with an explicit deny in an identity-based policy"
        if denied.decision == "Deny"
        else f"because no identity-based policy allows the {action} action"
    )
    text = f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: "
    return {**allowed, "allowed": False, "error": f"{text}{resource} {why}"}


def iam_evaluator_account(key: str) -> str:
    """The account of an access key."""
    from ministack.core.responses import _account_from_sts_session

    return str(_account_from_sts_session(key) or get_account_id())
