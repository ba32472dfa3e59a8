"""The command line of `python -m infra.aws`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from infra.aws.package import ROOT

#: Part of the names of buckets and tables, hence strict; as the template's parameter Stage.
STAGE: Final = re.compile(r"[a-z][a-z0-9-]{0,15}")


def stage(text: str) -> str:
    """The name of a stage, as an argument of a command line.

    Raises:
        argparse.ArgumentTypeError: it can not be one.
    """
    if not STAGE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no stage: a lower-case letter, then those, digits and hyphens, at most 16"
        )
    return text


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no account: 12 digits")
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no origin, such as https://chat.example.com")
    return text.rstrip("/")


def _assignment(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(
        prog="python -m infra.aws",
        description="Package, deploy, watch and remove Ping-Pong on AWS; docs/deploy.md.",
    )
    commands = main.add_subparsers(dest="command", required=True)

    def command(name: str, help_text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_text, description=help_text)
        made.add_argument("--stage", type=stage, default="dev", help="default: dev")
        return made

    def on_aws(name: str, help_text: str) -> argparse.ArgumentParser:
        made = command(name, help_text)
        made.add_argument("--region", help="default: AWS's configuration, else ap-northeast-2")
        made.add_argument(
            "--account", type=_account, help="refuse credentials of any other account"
        )
        return made

    packaging = command("package", "Make template.json and code.zip; needs no AWS account.")
    packaging.add_argument("--out", type=Path, help="default: .build/STAGE")

    _set_up(on_aws("setup", "Ask for keys, domain, alarm address and budget; can be repeated."))
    _keys(on_aws("secrets", "Store the keys of the Kakao application; a part of setup."))
    _deploy(on_aws("deploy", "Create or update the stage, upload the site, look at it."))

    back = on_aws("rollback", "Put the release before the current one back.")
    back.add_argument("--to", default="", metavar="RELEASE", help="its id, which status shows")
    _out(back)

    on_aws("status", "Show stack, versions, alarms, failed jobs, certificate, releases.")

    logs = on_aws("logs", "Show the logs of all Lambdas in the order of time.")
    logs.add_argument("--since", default="10m", help="such as 30s, 10m, 2h, 1d; default: 10m")
    logs.add_argument("--function", default="", help="one only, such as message")
    logs.add_argument("--grep", default="", help="only lines with this regular expression")
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl-C")

    jobs = on_aws("failed-jobs", "List the background jobs that were given up.")
    what = jobs.add_mutually_exclusive_group()
    what.add_argument("--retry", action="store_true", help="do each again")
    what.add_argument("--discard", action="store_true", help="forget them all")

    looking = command("smoke", "Look at a site from outside and tell what is wrong.")
    looking.add_argument("--url", type=_url, required=True, help="the site's origin")

    destroying = on_aws("destroy", "Delete the stage; prod's tables and site files stay.")
    destroying.add_argument("--yes", action="store_true", help="do not ask")
    return main


def _deploy(made: argparse.ArgumentParser) -> None:
    made.add_argument("--site-dir", type=Path, default=ROOT / "frontend" / "dist")
    made.add_argument(
        "--parameter",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value for a parameter of the template; kept at later deployments",
    )
    _out(made)


def _out(made: argparse.ArgumentParser) -> None:
    """Options of whatever brings a release out."""
    made.add_argument("--yes", action="store_true", help="do not ask before changing prod")
    made.add_argument("--force", action="store_true", help="even if a table would be replaced")
    made.add_argument("--no-smoke", action="store_true", help="do not look at the site afterwards")


def _keys(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--keys-from-stdin",
        action="store_true",
        help="read kakao_client_id, kakao_client_secret, kakao_admin_key as JSON",
    )
    made.add_argument("--unchecked", action="store_true", help="store keys that Kakao refuses")


def _set_up(made: argparse.ArgumentParser) -> None:
    _keys(made)
    made.add_argument("--no-input", action="store_true", help="ask nothing; keep what is known")
    made.add_argument("--domain", help='own domain, such as chat.example.com; "-" for none')
    made.add_argument("--alarm-email", help='who hears of alarms; "-" for nobody')
    made.add_argument("--access-logs", choices=("on", "off"), help="of both APIs; default: off")
    made.add_argument("--monthly-budget", help='dollars a month; "-" for none')
