"""docs/operations.md says what is there: alarms, commands, fields, metrics, figures."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.metrics import UNITS, Metric
from chalicelib.settings import VARIABLES
from infra.aws.package import ROOT
from tests.benchmarks import reconnect_storm, sizes

TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
TEMPLATE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "infra/aws/template").glob("*.yaml"))
)


def section(heading: str) -> str:
    """What is under a heading of the second level."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


def first_cells(text: str) -> list[str]:
    """The names in backquotes in the first column of the tables of a text."""
    return [
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]


def code_blocks(text: str) -> list[str]:
    return re.findall(r"^ *```\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


# --- Alarms -------------------------------------------------------------------------------


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    alarms = set(re.findall(r"AlarmName: !Sub \$\{AWS::StackName\}-([\w-]+)", TEMPLATE))
    alarms |= {
        name.replace("-", " ") + " budget"
        for name in re.findall(r"BudgetName: !Sub \$\{AWS::StackName\}-([\w-]+)", TEMPLATE)
    }
    headings = re.findall(r"^### (.+)$", section("Alarms"), re.MULTILINE)
    assert sorted(headings) == sorted(alarms)


def test_every_alarm_says_where_to_look_and_what_to_do() -> None:
    for part in re.split(r"^### ", section("Alarms"), flags=re.MULTILINE)[1:]:
        assert "**Look**" in part or "With lines of" in part, part
        assert "**Do**" in part or "**Look**" in part or "as failures" in part, part


def test_what_sections_call_each_other_exists() -> None:
    headings = set(re.findall(r"^### (.+)$", section("Alarms"), re.MULTILINE))
    mentioned = set(
        re.findall(r"\b([a-z]+-(?:pushes|messages|errors|posts|jobs|throttles|lag))\b", TEXT)
    )
    # (pingpong-prod-errors is the example of a whole name.)
    assert mentioned - headings == {"prod-errors"}


# --- Commands -----------------------------------------------------------------------------


def test_every_make_command_is_in_the_makefile_with_its_variables() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^([a-z][a-z-]+):.*\n((?:\t.*\n)*)", makefile, re.MULTILINE))
    commands = re.findall(r"(?:`|^)make\s+([a-z][a-z-]*)((?:\s+[A-Z]+=\S+)*)", TEXT, re.MULTILINE)
    assert len(commands) > 20
    for target, variables in commands:
        assert target in targets, f"make {target}"
        # STAGE is used through a variable of the Makefile's own.
        recipe = targets[target] + makefile.split("define")[0]
        for name in re.findall(r"([A-Z]+)=", variables):
            assert f"$({name})" in recipe, f"make {target} {name}="


def test_every_python_command_is_a_module() -> None:
    commands = re.findall(r"python -m ([\w.]+)", TEXT)
    assert "infra.aws.epochs" in commands
    for name in commands:
        path = ROOT / Path(*name.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name


def test_aws_commands_are_botocores(subtests_of_commands: list[tuple[str, str, list[str]]]) -> None:
    """Operation and options of each `aws dynamodb …` and `aws lambda …`."""
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    for service, command, options in subtests_of_commands:
        model = session.get_service_model(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        assert command in operations, f"aws {service} {command}"
        members = model.operation_model(operations[command]).input_shape.members  # type: ignore[union-attr]
        known = {xform_name(name, "-") for name in members}
        # The command line's own: https://docs.aws.amazon.com/cli/latest/reference/#options
        known |= {"query", "output"}
        for option in options:
            assert option.removeprefix("no-") in known, f"aws {service} {command} --{option}"


@pytest.fixture
def subtests_of_commands() -> list[tuple[str, str, list[str]]]:
    joined = TEXT.replace("\\\n", " ")
    found = [
        (service, command, re.findall(r"--([a-z-]+)", rest))
        for service, command, rest in re.findall(
            r"aws (dynamodb|lambda) (?!wait)([a-z-]+)([^\n`|#]*)", joined
        )
    ]
    assert len(found) >= 10
    return found


# --- Fields and metrics ---------------------------------------------------------------------


def fields_in_code() -> set[str]:
    """Every field that a line can have, as the code that writes lines says."""
    fields = {"level", "event", "_aws", "Stage", "ms", "outcome", "error", "traceback"}
    for path in (ROOT / "chalicelib").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "log.invocation",
                "log.warning",
                "log.exception",
            ):
                fields |= {keyword.arg for keyword in node.keywords if keyword.arg}
            # line["room_id"] = …
            if (
                isinstance(node, ast.Subscript)
                and ast.unparse(node.value) == "line"
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ):
                fields.add(node.slice.value)
            if isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Dict):
                keys = node.value.keys
                if ast.unparse(node.target) == "line":
                    fields |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    tree = ast.parse((ROOT / "chalicelib/log.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "fields":
            assert isinstance(node.value, ast.Dict)
            fields |= {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    from chalicelib import metering

    return fields | set(metering.report())


#: Of warnings: beside the table, where their events are explained.
OF_WARNINGS = {"of", "by"}


def test_every_field_is_described_and_there() -> None:
    described = set(first_cells(section("A line of the log"))) - set(Metric)
    assert described == fields_in_code() - OF_WARNINGS


def test_every_metric_is_described_and_there() -> None:
    text = section("A line of the log")
    described = [name for name in first_cells(text) if name in set(Metric)]
    assert sorted(described) == sorted(Metric)
    assert set(UNITS) == set(Metric)


def test_queries_name_fields_that_lines_have() -> None:
    queries = [block for block in code_blocks(TEXT) if re.match(r"(fields|filter|stats)\b", block)]
    assert len(queries) == 5
    known = fields_in_code() | set(Metric)
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
    words = {"fields", "filter", "stats", "sort", "limit", "by", "as", "asc", "desc", "in", "and"}
    words |= {"count", "sum", "max", "pct", "ispresent"}
    for query in queries:
        named = set(re.findall(r"\bas (\w+)", query))
        text = re.sub(r'"[^"]*"|@\w+', "", query)
        used = set(re.findall(r"[A-Za-z_]+", text)) - words - named
        assert used <= known, used - known


@pytest.mark.parametrize(
    "word", ["ok", "internal", "kakao_unavailable", "kakao_refused", "signed_out"]
)
def test_outcomes_are_codes(word: str) -> None:
    from chalicelib.protocol import ErrorCode

    assert f"`{word}`" in TEXT
    assert word == "ok" or word in set(ErrorCode)


# --- Names of things ------------------------------------------------------------------------


def test_tables_lambdas_and_parameters_are_the_templates() -> None:
    from chalicelib import tables

    prefix = tables.RoomRow.Meta.table_name.removesuffix("rooms")
    names = {
        model.Meta.table_name.removeprefix(prefix)
        for model in vars(tables).values()
        if isinstance(model, type) and hasattr(model, "Meta") and hasattr(model.Meta, "table_name")
    }
    restored = re.search(r"for table in ([\w ]+); do", TEXT)
    assert restored is not None
    assert {*restored[1].split(), "connections", "subscriptions", "match"} == names
    stopped = re.search(r"for f in ([\w ]+); do", TEXT)
    assert stopped is not None
    functions = set(re.findall(r"FunctionName: !Sub \$\{AWS::StackName\}-(\w+)\n", TEMPLATE))
    assert set(stopped[1].split()) == functions
    for name in ("FramePaceMs", "WebsocketRateLimit", "RestRateLimit", "MonthlyBudget", "Rollout"):
        assert name in TEXT
        assert re.search(rf"^  {name}:$", TEMPLATE, re.MULTILINE), name
    assert "MANAGEMENT_ENDPOINT" in VARIABLES


def test_limits_of_the_template_are_its_defaults() -> None:
    for name in ("WebsocketRateLimit", "RestRateLimit"):
        default = re.search(
            rf"^  {name}:\n(?:    .*\n)*?    Default: (\d+)", TEMPLATE, re.MULTILINE
        )
        said = re.search(rf"`{name}` \| ([\d,]+) \|", TEXT)
        assert default is not None
        assert said is not None
        assert said[1].replace(",", "") == default[1]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", TEXT.replace("\n", " ")):
        assert (ROOT / "docs" / target).exists(), target


# --- Figures ----------------------------------------------------------------------------------


def between(start: str) -> str:
    found = re.search(rf"<!-- {start}: .*?-->\n(.*?)\n<!-- end -->", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_storm_is_what_the_simulation_says() -> None:
    assert between("storm") == reconnect_storm.table()


def test_the_sizes_are_what_the_sum_says() -> None:
    assert between("sizes") == sizes.table()


def test_when_limits_are_met_follows_from_the_sizes() -> None:
    """The last column of the limits, for those that are a quotient."""

    def met(limit: str) -> int:
        line = next(line for line in TEXT.splitlines() if line.startswith(f"| {limit}"))
        numbers = re.findall(r"[\d,]{5,}", line.split("|")[4])
        return int(numbers[0].replace(",", ""))

    frames, _, posts, _, _, lambdas, _ = (value / 1_000_000 for value in sizes.row(1_000_000))
    expected: dict[str, float] = {
        "[API Gateway: requests": 10_000 / (frames + posts),
        "this template's `WebsocketRateLimit`": 2_000 / frames,
        "[Lambda: executions": 1_000 / lambdas,
        # One read of its row for each frame.
        "[DynamoDB: a new table]": 12_000 / frames,
        "[DynamoDB: a table]": 40_000 / frames,
    }
    for limit, people in expected.items():
        assert met(limit) == pytest.approx(people, rel=0.05), limit


def test_the_line_that_the_decision_prices_is_as_long_as_it_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """550 to 700 bytes for a chat's, with ids as AWS makes them."""
    from types import SimpleNamespace

    from chalicelib import log, metering
    from chalicelib.settings import settings

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"{settings.table_prefix}message")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "12")
    trace = "Root=1-67411e2f-3f5a1c2b7d8e9f0a1b2c3d4e;Parent=53995c3f42cd8ad8;Sampled=0"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)

    def chat(event: Any) -> None:
        with log.invocation("message", connection_id="CZUMQeWNrPcCFzQ=") as line:
            line |= {"type": "chat.send", "room_id": "RTUh8B3LNBv1kEx6"}
            for operation in ("GetItem", "UpdateItem", "UpdateItem", "PutItem", "Query"):
                metering.count_dynamodb(operation)
            metering.count(Metric.CHATS)
            metering.count_post("ok", 9)
            metering.note_push_lag(31)

    gateway = {"requestContext": {"requestId": "CZUMQFWxLPcFZkQ="}}
    lambda_context = SimpleNamespace(aws_request_id="79a0d8b0-6a8e-4a0f-9c43-6f8a5d2f9e11")
    event = SimpleNamespace(context=lambda_context, to_dict=lambda: gateway)
    for _ in range(2):
        log.per_invocation(event, chat)
    line = capsys.readouterr().out.splitlines()[-1]
    assert 640 <= len(line) + 1 <= 700
