"""The models and the template describe the same tables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from pynamodb.indexes import AllProjection, Index
from pynamodb.models import Model

from chalicelib import limits, protocol, rows, tables
from chalicelib.steps import Claim, Claims, Place
from tests.support.tables import data_template

MODELS = [
    tables.UserRow,
    tables.SessionRow,
    tables.RoomRow,
    tables.RoomNameRow,
    tables.RoomWordsRow,
    tables.MemberRow,
    tables.SanctionRow,
    tables.InviteRow,
    tables.PasscodeTriesRow,
    tables.EntryRow,
    tables.ConnectionRow,
    tables.SubscriptionRow,
    tables.BlockRow,
    tables.WithdrawalRow,
    tables.TicketRow,
    tables.SeekerRow,
    tables.ReportRow,
]
PREFIX = "${AWS::StackName}-"
TEMPLATE: dict[str, dict[str, Any]] = {
    body["Properties"]["TableName"]["Fn::Sub"].removeprefix(PREFIX): body["Properties"]
    for body in data_template()["Resources"].values()
}


def name_of(model: type[Model]) -> str:
    """A model's table, without the stage's prefix."""
    return model.Meta.table_name.removeprefix(os.environ["TABLE_PREFIX"])


def keys(schema: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(key["AttributeName"], key["KeyType"]) for key in schema]


def types(definitions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {item["AttributeName"]: item["AttributeType"] for item in definitions}


def indexes(model: type[Model]) -> dict[str, Index[Any]]:
    found = (getattr(model, name) for name in vars(model) if not name.startswith("_"))
    return {item.Meta.index_name: item for item in found if isinstance(item, Index)}


def test_every_table_of_the_template_has_a_model() -> None:
    assert {name_of(model) for model in MODELS} == TEMPLATE.keys()


def _models_of(table: str) -> list[type[Model]]:
    """Of a table that holds more than one kind of row, all."""
    return [model for model in MODELS if name_of(model) == table]


def _key_types(table: str) -> dict[str, str]:
    """The attributes that are keys of a table or of its indexes."""
    found: dict[str, str] = {}
    for model in _models_of(table):
        found |= types(model._get_schema()["attribute_definitions"])
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_keys_and_their_types_are_the_same(model: type[Model]) -> None:
    wanted = TEMPLATE[name_of(model)]
    schema = model._get_schema()
    assert sorted(keys(schema["key_schema"])) == sorted(keys(wanted["KeySchema"]))
    assert _key_types(name_of(model)) == types(wanted["AttributeDefinitions"])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_indexes_are_the_same(model: type[Model]) -> None:
    wanted = {
        index["IndexName"]: index
        for index in TEMPLATE[name_of(model)].get("GlobalSecondaryIndexes", [])
    }
    found = {
        name: index for each in _models_of(name_of(model)) for name, index in indexes(each).items()
    }
    assert found.keys() == wanted.keys()
    for name, index in found.items():
        schema = index._get_schema()
        assert sorted(keys(schema["key_schema"])) == sorted(keys(wanted[name]["KeySchema"]))
        projection = wanted[name]["Projection"]
        assert not isinstance(index.Meta.projection, AllProjection)
        assert index.Meta.projection.projection_type == projection["ProjectionType"]
        assert set(index.Meta.projection.non_key_attributes or ()) == set(
            projection.get("NonKeyAttributes", ())
        )


def test_what_expires_is_deleted_by_dynamodb() -> None:
    expiring = {name_of(model): model for model in MODELS if hasattr(model, "expires_at")}
    found = {
        name: table["TimeToLiveSpecification"]
        for name, table in TEMPLATE.items()
        if "TimeToLiveSpecification" in table
    }
    assert found == {
        name: {"AttributeName": model.expires_at.attr_name, "Enabled": True}
        for name, model in expiring.items()
    }
    # DynamoDB takes seconds, as a number: a text never expires.
    assert {model.expires_at.attr_type for model in expiring.values()} == {"N"}


def test_a_membership_has_as_many_claims_as_are_kept() -> None:
    claims = {name for name in vars(tables.MemberRow) if name.startswith("claim_")}
    assert claims == {f"claim_{slot}" for slot in range(limits.CLAIMS_PER_MEMBER)}


def test_whatever_cid_a_client_chooses_its_claim_is_read_as_it_was_written() -> None:
    claim = Claim("-_" * 32, Place(2**53 - 1, 2**52), 1_800_000_000_000)
    member = tables.MemberRow("person", "room", role="member", joined_seq=3, read_seq=5)
    member.claim_0, member.claim_1 = rows.claim_text(claim), tables.NO_CLAIM
    assert rows.to_claims(member) == Claims(
        (claim, *[None] * (limits.CLAIMS_PER_MEMBER - 1)), joined_seq=3, read_seq=5
    )
    assert re.fullmatch(protocol.ID_PATTERN, rows.claim_text(claim)) is None


def test_all_tables_share_one_connection() -> None:
    assert {model._get_connection().connection for model in MODELS} == {tables.connection}
