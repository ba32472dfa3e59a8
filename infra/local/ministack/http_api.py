"""HTTP APIs that are described by OpenAPI, as SAM describes all of them; MiniStack ignores it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

Json: TypeAlias = dict[str, Any]

TYPE: Final = "AWS::ApiGatewayV2::Api"

#: Marks routes, integrations and authorizers that were made from a description: the next
#: one replaces them, and nothing else. In the emulator's state, so it outlives the process.
_MARK: Final = "importedFromBody"

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
_ANY_METHOD: Final = "x-amazon-apigateway-any-method"
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
_DEFAULT_ROUTE: Final = "$default"

_INTEGRATION_FIELDS: Final = {
    "uri": "integrationUri",
    "httpMethod": "integrationMethod",
    "payloadFormatVersion": "payloadFormatVersion",
    "timeoutInMillis": "timeoutInMillis",
    "connectionType": "connectionType",
    "requestParameters": "requestParameters",
    "responseParameters": "responseParameters",
}
_AUTHORIZER_FIELDS: Final = (
    *("authorizerUri", "authorizerPayloadFormatVersion", "authorizerResultTtlInSeconds"),
    *("enableSimpleResponses", "jwtConfiguration"),
)


def mend() -> None:
    """Have CloudFormation make what an API's Body describes, and read its CORS."""
    handlers = provisioners._RESOURCE_HANDLERS[TYPE]
    create, update = handlers["create"], handlers["update"]

    @functools.wraps(create)
    def create_described(logical_id: str, properties: Json, stack_name: str) -> tuple[str, Json]:
        made: tuple[str, Json] = create(logical_id, properties, stack_name)
        _describe(made[0], properties)
        return made

    @functools.wraps(update)
    def update_described(
        physical_id: str, old: Json, new: Json, stack_name: str, *more: Any, **named: Any
    ) -> tuple[str, Json]:
        made: tuple[str, Json] = update(physical_id, old, new, stack_name, *more, **named)
        _describe(made[0], new)
        return made

    handlers |= {"create": create_described, "update": update_described}


def _describe(api_id: str, properties: Json) -> None:
    """Bring an API to what its properties describe."""
    api = apigateway._apis[api_id]
    body = properties.get("Body")
    cors = properties.get("CorsConfiguration")
    if isinstance(cors, dict):
        # A template's spelling, which MiniStack stores and does not understand.
        api["corsConfiguration"] = {
            f"{name[0].lower()}{name[1:]}": value for name, value in cors.items()
        }
    elif isinstance(body, dict) and body.get("x-amazon-apigateway-cors"):
        api["corsConfiguration"] = body["x-amazon-apigateway-cors"]
    stores = (apigateway._routes, apigateway._integrations, apigateway._authorizers)
    marked = [
        (store, key)
        for store in stores
        for key, item in store.get(api_id, {}).items()
        if item.get(_MARK)
    ]
    if isinstance(body, dict):
        title = (body.get("info") or {}).get("title")
        if title and not properties.get("Name"):
            api["name"] = title
        _import(api_id, body)
    # After the new ones are there: who asks meanwhile finds one or the other.
    for store, key in marked:
        del store[api_id][key]


def _import(api_id: str, body: Json) -> None:
    """Make routes, integrations and authorizers.

    Raises:
        ValueError: a description that can't be understood; deploying it fails.
    """
    make = functools.partial(_make, api_id)
    authorizers: dict[str, str] = {}
    for route_key, operation in _operations(body):
        integration = _resolve(body, operation.get(_INTEGRATION))
        if integration is None:
            raise ValueError(f"{route_key} has no {_INTEGRATION}")
        made = make(
            apigateway._create_integration,
            apigateway._integrations,
            "integrationId",
            {
                "payloadFormatVersion": "1.0",
                **{
                    name: integration[key]
                    for key, name in _INTEGRATION_FIELDS.items()
                    if key in integration
                },
                "integrationType": str(integration.get("type", "aws_proxy")).upper(),
            },
        )
        route: Json = {"routeKey": route_key, "target": f"integrations/{made}"}
        for name, scopes in _security(body, operation):
            scheme = ((body.get("components") or {}).get("securitySchemes") or {}).get(name) or {}
            if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4":
                route["authorizationType"] = "AWS_IAM"
            elif _AUTHORIZER in scheme:
                authorizer = scheme[_AUTHORIZER]
                if name not in authorizers:
                    authorizers[name] = make(
                        apigateway._create_authorizer,
                        apigateway._authorizers,
                        "authorizerId",
                        _authorizer(name, authorizer),
                    )
                is_jwt = authorizer.get("type") == "jwt"
                route["authorizationType"] = "JWT" if is_jwt else "CUSTOM"
                route["authorizerId"] = authorizers[name]
                route["authorizationScopes"] = scopes
        make(apigateway._create_route, apigateway._routes, "routeId", route)


def _operations(body: Json) -> Iterator[tuple[str, Json]]:
    """Keys of the routes, with what OpenAPI says of them."""
    for path, item in (body.get("paths") or {}).items():
        for method, operation in item.items():
            if operation and (operation.get("isDefaultRoute") or path.lstrip("/") == "$default"):
                yield _DEFAULT_ROUTE, operation
            elif method == _ANY_METHOD:
                yield f"ANY {path}", operation
            elif method.lower() in _METHODS:
                yield f"{method.upper()} {path}", operation


def _security(body: Json, operation: Json) -> Iterator[tuple[str, list[str]]]:
    """Names of the security schemes of an operation, with scopes."""
    for requirement in operation.get("security", body.get("security")) or ():
        yield from requirement.items()


def _authorizer(name: str, authorizer: Json) -> Json:
    sources = authorizer.get("identitySource") or []
    return {
        **{field: authorizer[field] for field in _AUTHORIZER_FIELDS if field in authorizer},
        "name": name,
        "authorizerType": str(authorizer.get("type", "request")).upper(),
        "identitySource": sources.split(",") if isinstance(sources, str) else sources,
    }


def _resolve(body: Json, item: Any) -> Any:
    """What a ``$ref`` inside of a description refers to."""
    if not isinstance(item, dict) or "$ref" not in item:
        return item
    found: Any = body
    for part in str(item["$ref"]).removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _make(
    api_id: str,
    create: Callable[[str, Json], tuple[int, Any, Any]],
    store: Mapping[str, Json],
    id_name: str,
    data: Json,
) -> str:
    """Make one of MiniStack's things, marked as made from a description; its id.

    Raises:
        ValueError: MiniStack refuses it.
    """
    status, _headers, answer = create(api_id, data)
    if status >= 400:
        raise ValueError(str(answer))
    made = str(json.loads(answer)[id_name])
    store[api_id][made][_MARK] = True
    return made
