"""`python -m infra.aws`: package, deploy and remove Ping-Pong on AWS."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from pathlib import Path
from typing import Final

from infra.aws.account import Account
from infra.aws.deploy import deploy, destroy, secrets_parameter, stack_name
from infra.aws.package import ROOT, package
from infra.errors import InfraError

#: Part of the names of buckets and tables, hence strict.
STAGE: Final = re.compile(r"[a-z][a-z0-9-]{0,20}")


def _stage(text: str) -> str:
    if not STAGE.fullmatch(text):
        raise argparse.ArgumentTypeError("lower-case letters, digits and hyphens, at most 21")
    return text


def _assignment(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m infra.aws", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True)

    def command(name: str, help_text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_text, description=help_text)
        made.add_argument("--stage", type=_stage, default="dev", help="default: dev")
        return made

    packaging = command("package", "Make template.json and code.zip; needs no AWS account.")
    packaging.add_argument("--out", type=Path, help="default: .build/STAGE")

    deploying = command("deploy", "Create or update the stage, and upload the site.")
    deploying.add_argument("--region", help="default: AWS's configuration, else ap-northeast-2")
    deploying.add_argument("--site-dir", type=Path, default=ROOT / "frontend" / "dist")
    deploying.add_argument(
        "--parameter",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value for a parameter of the template; kept at later deployments",
    )

    secrets = command("secrets", "Store the keys of the Kakao application (asks for them).")
    secrets.add_argument("--region")

    destroying = command("destroy", "Delete the stage; prod's tables and site files stay.")
    destroying.add_argument("--region")
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    return main


def _package(options: argparse.Namespace) -> None:
    out = options.out or ROOT / ".build" / options.stage
    made = package(out, stage=options.stage)
    print(f"{out}/template.json, {out}/code.zip ({len(made.code) / 1e6:.1f} MB, {made.digest})")


def _deploy(options: argparse.Namespace) -> None:
    account = Account.from_environment(options.region)
    made = package(ROOT / ".build" / options.stage, stage=options.stage)
    outputs = deploy(
        account,
        made,
        stage=options.stage,
        site_dir=options.site_dir,
        parameters=dict(options.parameter),
        report=lambda line: print(line, flush=True),
    )
    url = outputs["SiteUrl"]
    print(f"\nPing-Pong is at {url}")
    print("At developers.kakao.com the application needs:")
    print(f"  redirect URI         {url}/api/auth/kakao/callback")
    print(f"  logout redirect URI  {url}/")
    print(f"  unlink callback      {url}/api/auth/kakao/unlinked")


def _secrets(options: argparse.Namespace) -> None:
    account = Account.from_environment(options.region)
    print("Keys of the application at developers.kakao.com; what is typed is not shown.")
    asked = {
        "kakao_client_id": "REST API key: ",
        "kakao_client_secret": "Client secret: ",
        "kakao_admin_key": "Admin key: ",
    }
    kakao = {name: getpass.getpass(question).strip() for name, question in asked.items()}
    if not all(kakao.values()):
        raise InfraError("all three keys are needed; nothing was stored")
    account.write_secrets(secrets_parameter(options.stage), kakao)
    print(f"stored in {secrets_parameter(options.stage)} ({account.region})")


def _destroy(options: argparse.Namespace) -> None:
    account = Account.from_environment(options.region)
    name = stack_name(options.stage)
    if not options.yes and input(f"Type {name} to delete it from {account.id}: ") != name:
        raise InfraError("not deleted")
    destroy(account, stage=options.stage, report=lambda line: print(line, flush=True))


def main() -> int:
    """Run a command; 1 and a message if it does not work."""
    options = parser().parse_args()
    run = {"package": _package, "deploy": _deploy, "secrets": _secrets, "destroy": _destroy}
    try:
        run[options.command](options)
    except InfraError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
