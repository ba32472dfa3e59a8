"""Types of CloudFormation resources that MiniStack 1.5.33 lacks, and WebSocket apps have.

It has both things in its API Gateway, but no way from a template to them.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

Json: TypeAlias = dict[str, Any]


def mend() -> None:
    """Teach CloudFormation the types."""
    provisioners._RESOURCE_HANDLERS |= {
        "AWS::ApiGatewayV2::Deployment": {
            "create": _create_deployment,
            "update": _keep,
            "delete": _delete_deployment,
        },
        "AWS::ApiGatewayV2::RouteResponse": {
            "create": _create_route_response,
            "update": _update_route_response,
            "delete": _delete_route_response,
        },
    }


def _create_deployment(logical_id: str, properties: Json, stack_name: str) -> tuple[str, Json]:
    answer = apigateway._create_deployment(properties["ApiId"], {})
    made = _content(answer)["deploymentId"]
    return made, {"DeploymentId": made}


def _delete_deployment(physical_id: str, properties: Json) -> None:
    apigateway._delete_deployment(properties["ApiId"], physical_id)


def _keep(physical_id: str, old: Json, new: Json, stack_name: str) -> tuple[str, Json]:
    """Nothing of a deployment can change: MiniStack serves what there is at any time."""
    return physical_id, {"DeploymentId": physical_id}


def _create_route_response(logical_id: str, properties: Json, stack_name: str) -> tuple[str, Json]:
    route_id = _route_id(properties)
    answer = apigateway._create_route_response(properties["ApiId"], route_id, _data(properties))
    made = _content(answer)["routeResponseId"]
    return made, {"RouteResponseId": made}


def _update_route_response(
    physical_id: str, old: Json, new: Json, stack_name: str
) -> tuple[str, Json]:
    if (old["ApiId"], _route_id(old)) != (new["ApiId"], _route_id(new)):
        _delete_route_response(physical_id, old)
        return _create_route_response("", new, stack_name)
    _content(
        apigateway._update_route_response(new["ApiId"], _route_id(new), physical_id, _data(new))
    )
    return physical_id, {"RouteResponseId": physical_id}


def _delete_route_response(physical_id: str, properties: Json) -> None:
    apigateway._delete_route_response(properties["ApiId"], _route_id(properties), physical_id)


def _route_id(properties: Json) -> str:
    """MiniStack's Ref of a route is ``API/ROUTE``."""
    return str(properties["RouteId"]).rsplit("/", 1)[-1]


def _data(properties: Json) -> Json:
    """A template's properties in the API's spelling."""
    return {f"{name[0].lower()}{name[1:]}": value for name, value in properties.items()}


def _content(answer: Any) -> Json:
    """What one of MiniStack's functions answered.

    Raises:
        ValueError: it refused.
    """
    status, _headers, body = answer
    if status >= 400:
        raise ValueError(str(body))
    content: Json = json.loads(body)
    return content
