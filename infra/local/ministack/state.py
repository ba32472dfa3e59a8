"""What MiniStack keeps from one run to the next, and how it makes tables again."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeAlias

from ministack import app
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

Json: TypeAlias = dict[str, Any]

#: Services whose state outlives this process.
KEPT_STATE: Final = ("dynamodb", "ssm")


def mend() -> None:
    """Mend it in this process."""
    _make_tables_as_described()
    _keep_data_only()


def _make_tables_as_described() -> None:
    """Let tables made by CloudFormation have their TTL, and the items of the last run.

    The stack is made anew at every start (see _keep_data_only), but its data stays. On AWS
    creating a table that exists fails; MiniStack would empty it.
    """
    actions = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = actions["create"]

    @functools.wraps(create)
    def create_table(logical_id: str, properties: Json, stack_name: str) -> Any:
        old = dynamodb._tables.get(properties.get("TableName"))
        made = create(logical_id, properties, stack_name)
        new = dynamodb._tables[made[0]]
        if old is not None and old["KeySchema"] == new["KeySchema"]:
            for kept in ("items", "ItemCount", "TableSizeBytes"):
                new[kept] = old[kept]
        ttl = properties.get("TimeToLiveSpecification")
        if ttl:
            dynamodb._update_ttl({"TableName": made[0], "TimeToLiveSpecification": ttl})
        return made

    actions["create"] = create_table


def _keep_data_only() -> None:
    """Save and load DynamoDB's and SSM's state, and nothing else's.

    A deployment of an older template or app, found at the next start, would have to be
    updated to the present one; making it anew is as fast and always right.
    """
    app._state_map = {name: app._state_map[name] for name in KEPT_STATE}
