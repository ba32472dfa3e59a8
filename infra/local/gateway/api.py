"""A WebSocket API as it is deployed: read from API Gateway's own API, never from a template.

https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/api-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.errors import InfraError
from infra.local.gateway.selection import check_selection, select_key

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client

CONNECT: Final = "$connect"
DISCONNECT: Final = "$disconnect"
DEFAULT: Final = "$default"

#: ``arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations``
_INTEGRATION_URI: Final = re.compile(r"/functions/(?P<function>[^/]+)/invocations$")
_FUNCTION_ARN: Final = re.compile(r"^arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w:$-]+$")

_MOCK: Final = "MOCK"


@dataclass(frozen=True)
class Throttle:
    """A stage's own limits of a route: requests a second, and at once."""

    rate: float
    burst: int


@dataclass(frozen=True)
class Authorizer:
    """A Lambda that is asked about a handshake."""

    function: str
    #: What a handshake must have to be asked about, such as ``route.request.header.Auth``.
    identity_sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Route:
    """What an event leads to."""

    key: str
    #: ARN of the Lambda; empty for a MOCK integration, which does nothing.
    function: str
    #: Whether what the Lambda returns as body goes back to the client.
    has_response: bool = False
    authorizer: Authorizer | None = None
    timeout_seconds: float | None = None
    throttle: Throttle | None = None

    def seconds(self, at_most: float) -> float:
        """How long its Lambda may take."""
        return min(at_most, self.timeout_seconds or at_most)


@dataclass(frozen=True)
class Api:
    """A WebSocket API and its stage."""

    api_id: str
    stage: str
    region: str = "us-east-1"
    account: str = "000000000000"
    selection: str = "$request.body.action"
    routes: Mapping[str, Route] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)

    def select(self, body: str) -> Route | None:
        """The route of a message; ``$default``, if any, for what is no JSON or has no route."""
        key = select_key(self.selection, body)
        # A client can't ask for the routes of connecting and disconnecting.
        if key is not None and key in self.routes and key not in (CONNECT, DISCONNECT):
            return self.routes[key]
        return self.routes.get(DEFAULT)

    def arn(self, path: str) -> str:
        """Of what is asked for, as policies name it."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}/{self.stage}/{path}"


def read_api(client: ApiGatewayV2Client, api_id: str, stage: str) -> Api:
    """Read what is deployed.

    Raises:
        InfraError: there is no such API or stage, or a route has something that this gateway
            does not do; names it.
    """
    try:
        api = client.get_api(ApiId=api_id)
        deployed = client.get_stage(ApiId=api_id, StageName=stage)
    except client.exceptions.NotFoundException as error:
        raise InfraError(f"there is no WebSocket API {api_id} with a stage {stage}") from error
    selection = api.get("RouteSelectionExpression", "$request.body.action")
    check_selection(selection)
    authorizers = {
        item["AuthorizerId"]: item for item in _items(client.get_authorizers, ApiId=api_id)
    }
    integrations = {
        item["IntegrationId"]: item for item in _items(client.get_integrations, ApiId=api_id)
    }
    routes = {}
    for item in _items(client.get_routes, ApiId=api_id):
        key = item["RouteKey"]
        integration = integrations.get(item.get("Target", "").removeprefix("integrations/"))
        timeout = (integration or {}).get("TimeoutInMillis")
        routes[key] = Route(
            key,
            _integration_function(key, integration),
            has_response=_has_response(client, api_id, item),
            authorizer=_authorizer(key, item, authorizers),
            timeout_seconds=timeout / 1000 if timeout else None,
            throttle=_throttle(key, deployed),
        )
    return Api(
        api_id,
        stage,
        region=client.meta.region_name,
        selection=selection,
        routes=routes,
        stage_variables=deployed.get("StageVariables") or {},
    )


def _items(get: Any, **arguments: str) -> Iterator[dict[str, Any]]:
    """All pages of a list."""
    token: dict[str, str] = {}
    while True:
        page = get(**arguments, **token)
        yield from page.get("Items", ())
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _integration_function(key: str, integration: dict[str, Any] | None) -> str:
    """The ARN of a route's Lambda; empty for MOCK."""
    if integration is None:
        raise InfraError(f"route {key} has no integration")
    kind = integration["IntegrationType"]
    if kind == _MOCK:
        return ""
    uri = integration.get("IntegrationUri", "")
    if kind != "AWS_PROXY":
        raise InfraError(
            f"route {key}: integrations of type {kind} are not supported here, only AWS_PROXY "
            "(a Lambda) and MOCK"
        )
    return _function(f"route {key}", uri)


def _function(what: str, uri: str) -> str:
    match = _INTEGRATION_URI.search(uri)
    function = match["function"] if match else uri
    if not _FUNCTION_ARN.match(function):
        raise InfraError(f"{what}: {uri or 'an empty URI'} does not name a Lambda")
    return function


def _authorizer(
    key: str, route: dict[str, Any], known: Mapping[str, dict[str, Any]]
) -> Authorizer | None:
    kind = route.get("AuthorizationType") or "NONE"
    if kind == "NONE":
        return None
    found = known.get(route.get("AuthorizerId", ""))
    if kind != "CUSTOM" or found is None or found.get("AuthorizerType") != "REQUEST":
        raise InfraError(
            f"route {key}: authorization by {kind} is not supported here, only by a Lambda "
            "(CUSTOM, with an authorizer of type REQUEST)"
        )
    if key != CONNECT:
        raise InfraError(f"route {key}: only $connect can have an authorizer")
    function = _function(f"authorizer {found.get('Name', '')}", found.get("AuthorizerUri", ""))
    return Authorizer(function, tuple(found.get("IdentitySource") or ()))


def _has_response(client: ApiGatewayV2Client, api_id: str, route: dict[str, Any]) -> bool:
    """Whether a route answers: its response is configured, or at least its expression."""
    if route.get("RouteResponseSelectionExpression"):
        return True
    responses = client.get_route_responses(ApiId=api_id, RouteId=route["RouteId"])
    return bool(responses.get("Items"))


def _throttle(key: str, stage: Any) -> Throttle | None:
    """A stage's settings for a route, else its default ones."""
    for settings in (
        (stage.get("RouteSettings") or {}).get(key),
        stage.get("DefaultRouteSettings"),
    ):
        rate = (settings or {}).get("ThrottlingRateLimit")
        burst = (settings or {}).get("ThrottlingBurstLimit")
        if rate is not None and burst is not None:
            return Throttle(float(rate), int(burst))
    return None
