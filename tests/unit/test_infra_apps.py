"""Apps on the disk: found, checked, made ready; and what is said when they can't be run."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.aws.package import ROOT
from infra.aws.template import parse
from infra.errors import InfraError
from infra.local.apps import App, find_app
from infra.local.apps.build import Build, stack_name
from infra.local.deployment import check_parameters
from infra.local.leave_out import leave_out

APPS = ROOT / "tests" / "apps"


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    """A copy of the echo app that a test may break."""
    copied = tmp_path / "echo"
    shutil.copytree(APPS / "echo", copied)
    return copied


def change(directory: Path, old: str, new: str) -> Path:
    path = directory / "template.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def names_in(code: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        return archive.namelist()


def refusal(app: App | Path) -> str:
    with pytest.raises(InfraError) as refused:
        (find_app(app) if isinstance(app, Path) else app).build()
    return str(refused.value)


def test_a_path_to_nothing_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing") == f"{tmp_path / 'nothing'}: no such file or directory"


def test_a_directory_without_an_app_is_told_what_was_looked_for(tmp_path: Path) -> None:
    message = refusal(tmp_path)
    assert ".chalice/config.json" in message
    assert "template.yaml" in message


def test_a_directory_leads_to_its_template(echo: Path) -> None:
    built = find_app(echo).build()
    assert set(built.code) == {"EchoFunction"}
    assert names_in(built.code["EchoFunction"]) == ["echo.py"]
    assert built.modules["EchoFunction"].name == "echo"
    assert "CodeUri" not in built.template["Globals"]["Function"]
    located = built.located("bucket", lambda key, code: None)
    code = located["Resources"]["EchoFunction"]["Properties"]["CodeUri"]
    assert code["Bucket"] == "bucket"


def test_what_sam_build_made_can_be_run(echo: Path) -> None:
    made = echo / ".aws-sam" / "build"
    shutil.copytree(echo / "src", made / "EchoFunction")
    template = (
        (echo / "template.yaml").read_text().replace("CodeUri: src/", "CodeUri: EchoFunction")
    )
    (made / "template.yaml").write_text(template)
    app = find_app(made)
    assert (app.name, app.state_dir) == ("echo", echo / ".local")
    assert names_in(app.build().code["EchoFunction"]) == ["echo.py"]


def test_a_template_may_be_json_and_its_code_a_zip(echo: Path) -> None:
    path = echo / "template.yaml"
    content = parse(path.read_text(), path)
    with zipfile.ZipFile(echo / "code.zip", "w") as archive:
        archive.writestr("echo.py", "def handler(event, context): ...")
    content["Globals"]["Function"]["CodeUri"] = "code.zip"
    (echo / "app.json").write_text(json.dumps(content, indent="\t"))
    built = find_app(echo / "app.json").build()
    assert built.code["EchoFunction"] == (echo / "code.zip").read_bytes()
    assert built.modules == {}


def test_tools_and_environments_are_not_packaged(echo: Path) -> None:
    for name in ("__pycache__/x.pyc", ".git/config", "env/pyvenv.cfg", ".local/x", "data/x.json"):
        path = echo / "src" / name
        path.parent.mkdir()
        path.write_text("{}")
    os.symlink(echo / "src", echo / "src" / "data" / "circle")
    assert names_in(find_app(echo).build().code["EchoFunction"]) == ["data/x.json", "echo.py"]


def test_broken_yaml_is_told_with_its_line(echo: Path) -> None:
    path = change(echo, "    Type: AWS::ApiGatewayV2::Stage", "    Type: [AWS::ApiGatewayV2::Stage")
    assert refusal(path).startswith(f"{path}:62:15: this is not valid YAML")


@pytest.mark.parametrize("text", ["just text", "Resources: {}", "- a\n- b", "Resources: {A: {}}"])
def test_what_is_no_template_is_told_so(echo: Path, text: str) -> None:
    path = echo / "template.yaml"
    path.write_text(text)
    message = refusal(path)
    assert str(path) in message
    assert "no Resources" in message or "A has no Type" in message


def test_a_template_without_a_websocket_api_is_told_what_it_has(echo: Path) -> None:
    path = change(echo, "ProtocolType: WEBSOCKET", "ProtocolType: HTTP")
    message = refusal(path)
    assert "has no AWS::ApiGatewayV2::Api with ProtocolType WEBSOCKET" in message
    assert "found: EchoApi (AWS::ApiGatewayV2::Api, HTTP)" in message


def test_two_websocket_apis_are_one_too_many(echo: Path) -> None:
    second = "  Second:\n    Type: AWS::Serverless::WebSocketApi\n    Properties: {Routes: {}}\n"
    path = change(echo, "\nOutputs:", f"\n{second}\nOutputs:")
    assert "2 WebSocket APIs, and one port serves one: EchoApi, Second" in refusal(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("CodeUri: src/", "CodeUri: source/", "CodeUri source/: no such file or directory"),
        ("CodeUri: src/", "CodeUri: template.yaml", "is neither a directory nor a zip"),
        ("CodeUri: src/", "CodeUri: {Bucket: b, Key: k}", "CodeUri must be a path here"),
        ("Handler: echo.handler", "Handler: eco.handler", "needs eco.py, which is not in"),
        ("Handler: echo.handler", "Handler: echo", "Handler must be like module.function"),
        ("Runtime: python3.11", "Runtime: java21", "Runtime 'java21' is not run here"),
        ("Runtime: python3.11", "Runtime: nodejs22.x", "TypeScript? give what `sam build` made"),
        ("Handler: echo.handler", "PackageType: Image", "container images are not run here"),
        ("${EchoFunction.Arn}", "${EchFunction.Arn}", "EchoIntegration refers to EchFunction"),
    ],
)
def test_what_is_wrong_with_a_function_is_named(echo: Path, old: str, new: str, said: str) -> None:
    path = change(echo, old, new)
    message = refusal(path)
    assert message.startswith(f"{path}: resource Echo")
    assert said in message


def test_variables_can_be_given_to_every_lambda(echo: Path) -> None:
    built = find_app(echo, environment={"LEVEL": "debug"}).build()
    properties = built.template["Resources"]["EchoFunction"]["Properties"]
    assert properties["Environment"] == {"Variables": {"LEVEL": "debug"}}


def test_a_table_without_a_name_gets_one_that_stays(tmp_path: Path) -> None:
    resources = find_app(APPS / "full", state_dir=tmp_path).build().template["Resources"]
    name = resources["Orders"]["Properties"]["TableName"]
    assert name == {"Fn::Sub": "${AWS::StackName}-Orders"}


def test_an_app_that_does_not_import_is_told_with_its_own_line(tmp_path: Path) -> None:
    project = tmp_path / "broadcast"
    shutil.copytree(APPS / "broadcast", project)
    (project / "app.py").write_text("import nothing_like_this\n")
    message = refusal(project)
    assert 'File "app.py", line 1' in message
    assert "No module named 'nothing_like_this'" in message


def test_only_a_stage_of_the_project_can_be_packaged(tmp_path: Path) -> None:
    message = refusal(find_app(APPS / "broadcast", stage="prd", state_dir=tmp_path))
    assert "has no stage 'prd', only: dev" in message


def test_a_merged_template_must_be_there_and_of_use(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="no such file"):
        find_app(APPS / "broadcast", merge_template=tmp_path / "nothing.json")
    with pytest.raises(InfraError, match="is for Chalice projects"):
        find_app(APPS / "echo", merge_template=APPS / "broadcast" / "tables.json")


def test_a_chalice_project_is_packaged_once_and_updated_without(tmp_path: Path) -> None:
    project = tmp_path / "broadcast"
    shutil.copytree(APPS / "broadcast", project)
    app = find_app(project, merge_template=project / "tables.json")
    assert app.name == "broadcast-dev"
    first = app.build()
    assert "ConnectionTable" in first.template["Resources"]
    stamp = (project / ".local" / "build" / "chalice" / "sam.json").stat().st_mtime_ns
    assert app.build() == first
    assert (project / ".local" / "build" / "chalice" / "sam.json").stat().st_mtime_ns == stamp
    (project / "app.py").write_text("x = 1\n")
    quick = app.quick_build(first, {project / "app.py"})
    assert quick is not None
    assert quick.template == first.template
    assert quick.changed(first) == set(first.code)
    with zipfile.ZipFile(io.BytesIO(quick.code["APIHandler"])) as archive:
        assert archive.read("app.py") == b"x = 1\n"
    assert app.quick_build(first, {project / ".chalice" / "config.json"}) is None
    assert app.quick_build(first, {project / "tables.json"}) is None


def test_equal_code_is_uploaded_once() -> None:
    resources = {
        name: {"Type": "AWS::Serverless::Function", "Properties": {}} for name in ("A", "B", "C")
    }
    build = Build({"Resources": resources}, {"A": b"1", "B": b"1", "C": b"2"})
    uploaded: list[bytes] = []
    template = build.located("bucket", lambda key, code: uploaded.append(code))
    assert sorted(uploaded) == [b"1", b"2"]
    first, second = (template["Resources"][name]["Properties"]["CodeUri"] for name in ("A", "B"))
    assert first == second
    assert build.changed(Build(build.template, {"A": b"1", "B": b"3"})) == {"B", "C"}


@pytest.mark.parametrize(
    ("text", "name"),
    [("my-app", "my-app"), ("My App_2", "My-App-2"), ("2048", "app-2048"), ("채팅", "app")],
)
def test_any_directory_gives_a_stack_a_name(text: str, name: str) -> None:
    assert stack_name(text) == name


def test_parameters_are_compared_with_what_the_template_asks_for() -> None:
    declared = {"Token": {"Type": "String"}, "Level": {"Type": "String", "Default": "info"}}
    check_parameters(declared, {"Token": "x"})
    with pytest.raises(InfraError, match="need values: --parameter Token=…"):
        check_parameters(declared, {})
    with pytest.raises(InfraError, match="no parameter Tokn; did you mean Token"):
        check_parameters(declared, {"Tokn": "x"})


def test_what_is_left_out_takes_its_outputs_along() -> None:
    template = {
        "Resources": {
            "Gone": {"Type": "AWS::Odd::Thing"},
            "Kept": {"Type": "AWS::SNS::Topic", "DependsOn": ["Gone"]},
        },
        "Outputs": {"Gone": {"Value": {"Ref": "Gone"}}, "Kept": {"Value": {"Ref": "Kept"}}},
    }
    left = leave_out(template, {"AWS::Odd::Thing"}, "it is odd")
    assert left["Resources"] == {"Kept": {"Type": "AWS::SNS::Topic"}}
    assert set(left["Outputs"]) == {"Kept"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.local", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_is_for_strangers() -> None:
    said = run("--help").stdout
    assert "ws://localhost:PORT/STAGE" in said
    assert "examples:" in said
    assert "Ping-Pong" not in said
    assert "Kakao" not in said


def test_the_command_ends_with_the_message_and_no_traceback(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.returncode == 1
    assert "has no app" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--parameter", "Token", "--parameter must be like NAME=VALUE"),
        ("--limit", "idle_second=3", "did you mean idle_seconds?"),
        ("--port", "70000", "70000 is no port"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: str, said: str) -> None:
    done = run(str(APPS / "echo"), option, value)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
