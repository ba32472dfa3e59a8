"""What was decided for a stage before and between its deployments.

The template's parameters that people choose (domain, alarm address, budget) are kept in one SSM
parameter beside the secrets: the stack can't keep them before it is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from infra.errors import InfraError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def parameter_name(stage: str) -> str:
    """The SSM parameter with a stage's choices."""
    return f"/pingpong/{stage}/deploy"


def read(ssm: SSMClient, stage: str) -> dict[str, str]:
    """What was chosen for a stage; nothing if nothing was.

    Raises:
        InfraError: the parameter is not what `write` wrote.
    """
    name = parameter_name(stage)
    try:
        text = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return {}
    try:
        return {str(key): str(value) for key, value in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise InfraError(
            f"the SSM parameter {name} must be a JSON object; delete it and run "
            f"`make setup-aws STAGE={stage}` again"
        ) from error


def write(ssm: SSMClient, stage: str, chosen: Mapping[str, str]) -> None:
    """Add to what was chosen for a stage."""
    known = read(ssm, stage)
    values = {**known, **chosen}
    if values != known:
        text = json.dumps(values, sort_keys=True, ensure_ascii=False)
        ssm.put_parameter(Name=parameter_name(stage), Value=text, Type="String", Overwrite=True)
