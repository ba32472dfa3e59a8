"""Where an emulator is known to do otherwise than AWS documents: the one place that says so.

By emulator, then by case. A case that is named here must fail on that emulator; when it begins
to pass, the run fails, and the line is to be taken out.
"""

from __future__ import annotations

from typing import Final

_NOT_THROTTLED: Final = "never throttles; FAULTS=file does (docs/faults.md)"
_UNSIGNED: Final = "does not look at signatures"
_INVALID_ACTION: Final = "is a ValidationException of the whole call, without reasons"

_LOCALSTACK: Final = {
    "test_what_is_too_much_is_throttled": _NOT_THROTTLED,
    "test_an_error_as_it_is_sent": "the content type is application/json",
    "test_a_wrong_secret": _UNSIGNED,
    "test_an_unknown_access_key": _UNSIGNED,
    "test_an_unsigned_request": _UNSIGNED,
    "test_point_in_time_recovery": "CloudFormation leaves it out: DISABLED",
    "test_an_invalid_action_undoes_the_others": _INVALID_ACTION,
}

DEVIATIONS: Final[dict[str, dict[str, str]]] = {
    "embedded": {
        "test_more_than_16_mb": "answers with all items, however large",
        "test_a_read_is_a_unit_per_4_kb": "tells 1 or 0.5, whatever the size",
        "test_a_query_counts_the_sum": "tells 1, whatever the sizes",
        "test_a_batch_counts_each": "tells no capacity of a BatchGetItem",
        "test_what_is_too_much_is_throttled": _NOT_THROTTLED,
        "test_an_error_as_it_is_sent": "`__type` is the code alone",
        "test_a_wrong_secret": "accepts any secret with the root's access key",
        "test_index_keys_have_a_length": "accepts keys of any length",
        "test_a_broken_expression": "accepts SET without `=`",
        "test_point_in_time_recovery": "CloudFormation leaves it out: DISABLED",
        "test_encryption": "is not told by DescribeTable",
        "test_one_path_twice_is_refused": "accepts it, and does both",
        "test_numbers_have_38_digits": "adds with 28 digits",
    },
    "localstack": _LOCALSTACK,
    "localstack-2020": _LOCALSTACK
    | {
        "test_a_transaction_counts_twice": "tells twice as much",
        "test_the_item_comes_with_the_refusal": "the error has no item",
        "test_a_protected_table_stays": "deletes it",
        "test_other_texts_may_be_empty": "refuses empty strings, as AWS did before May 2020",
        "test_a_hundred_actions": "takes 10 actions",
    },
    "dynamodb-local": {
        "test_what_is_too_much_is_throttled": _NOT_THROTTLED,
        "test_an_error_as_it_is_sent": "the message is in `Message`",
        "test_a_wrong_secret": _UNSIGNED,
        "test_an_unknown_access_key": "has other tables for each access key",
        "test_an_unsigned_request": "the code is `MissingAuthenticationToken`",
        "test_an_invalid_action_undoes_the_others": _INVALID_ACTION,
    },
}
