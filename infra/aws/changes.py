"""What a change set would do to a stack: counted, shown, and refused where data would go.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.errors import InfraError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

#: Types that hold what people wrote.
DATA: Final = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")

#: A table's other keys are "Conditional", though there is no condition under which they could
#: change in place.
_REPLACEMENT: Final = {"True": "replaced", "Conditional": "perhaps replaced"}

#: Actions that are worth a name.
_SERIOUS: Final = ("replaced", "perhaps replaced", "removed")

_WORDS: Final = {"Add": "added", "Modify": "modified", "Remove": "removed", "Import": "imported"}


@dataclass(frozen=True)
class Change:
    """A resource, and in a word or two what would become of it."""

    action: str
    logical_id: str
    type: str

    @property
    def loses_data(self) -> bool:
        """Whether what people wrote would be lost (or left behind, where it is retained)."""
        return self.type in DATA and self.action in _SERIOUS


def read_changes(client: CloudFormationClient, stack: str, change_set: str) -> list[Change]:
    """What a change set that is ready would do."""
    found: list[Change] = []
    token: dict[str, str] = {}
    while True:
        page = client.describe_change_set(StackName=stack, ChangeSetName=change_set, **token)  # type: ignore[arg-type]
        for change in page.get("Changes", []):
            resource = change.get("ResourceChange", {})
            action = _WORDS.get(resource.get("Action", ""), "changed")
            if action == "modified":
                action = _REPLACEMENT.get(resource.get("Replacement", "False"), action)
            found.append(
                Change(
                    action, resource.get("LogicalResourceId", ""), resource.get("ResourceType", "")
                )
            )
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def summary(changes: Sequence[Change]) -> str:
    """Counts, then the names of what is replaced or removed."""
    counts = Counter(change.action for change in changes)
    lines = [", ".join(f"{count} {action}" for action, count in sorted(counts.items()))]
    lines += [
        f"  {change.action} {change.logical_id} ({change.type})"
        for change in changes
        if change.action in _SERIOUS
    ]
    return "\n".join(lines)


def refuse_data_loss(changes: Sequence[Change]) -> None:
    """Refuse a change set that takes a table or the site's bucket away.

    Raises:
        InfraError: names them.
    """
    lost = [change for change in changes if change.loses_data]
    if lost:
        names = ", ".join(f"{change.logical_id} ({change.action})" for change in lost)
        raise InfraError(
            f"this deployment may lose data: {names}. Nothing was changed.\n"
            "A table's keys can't change in place; make a new table and copy. If the data may "
            "go, repeat with --force."
        )
