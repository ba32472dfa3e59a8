"""What can be run here: SAM and CloudFormation templates, and Chalice projects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.chalice_package import Packaging
from infra.errors import InfraError
from infra.local.apps.build import App, Build
from infra.local.apps.chalice_app import ChaliceApp
from infra.local.apps.template_app import TemplateApp

__all__ = ["App", "Build", "find_app"]

#: Looked for in a directory, in this order.
TEMPLATE_NAMES: Final = ("template.yaml", "template.yml", "template.json")
SAM_BUILD_DIR: Final = ".aws-sam"
STATE_DIR: Final = ".local"


def find_app(
    path: Path,
    *,
    state_dir: Path | None = None,
    stage: str = "dev",
    merge_template: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> App:
    """The app that a path leads to.

    Args:
        path: a template, or a directory with one or with a Chalice project.
        state_dir: where the app's data is kept, `.local` beside the app if None.
        stage: a Chalice project's.
        merge_template: what Chalice is to merge into a Chalice project's template.
        environment: variables for every Lambda.

    Raises:
        InfraError: there is no app; says what was looked for.
    """
    if not path.exists():
        raise InfraError(f"{path}: no such file or directory")
    path = path.resolve()
    home = _home(path)
    state_dir = state_dir or home / STATE_DIR
    if merge_template is not None and not merge_template.is_file():
        raise InfraError(f"--merge-template {merge_template}: no such file")
    if path.is_dir() and (path / ".chalice" / "config.json").is_file():
        packaging = Packaging(stage=stage, merge=merge_template, environment=environment)
        return ChaliceApp(path, state_dir, packaging)
    if merge_template is not None:
        raise InfraError(f"--merge-template is for Chalice projects, and {path} is none")
    if path.is_dir():
        template = next((path / name for name in TEMPLATE_NAMES if (path / name).is_file()), None)
        if template is None:
            raise InfraError(
                f"{path} has no app: neither .chalice/config.json (a Chalice project) nor "
                f"{', '.join(TEMPLATE_NAMES)} (SAM or CloudFormation)"
            )
        path = template
    return TemplateApp(path, home, state_dir, environment or {})


def _home(path: Path) -> Path:
    """Where the state goes: the app's directory, but not what `sam build` empties."""
    directory = path if path.is_dir() else path.parent
    for parent in (directory, *directory.parents):
        if parent.name == SAM_BUILD_DIR:
            return parent.parent
    return directory
