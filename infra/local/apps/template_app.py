"""An app that is a SAM or CloudFormation template with its code beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from infra.local.apps.archive import Archiver
from infra.local.apps.build import Build, stack_name
from infra.local.apps.local_code import LocalCode


class TemplateApp:
    """A template as its author wrote it, or as `sam build` left it in .aws-sam/build."""

    def __init__(
        self, template: Path, home: Path, state_dir: Path, environment: Mapping[str, str]
    ) -> None:
        """Args: `home` is the app's directory."""
        self.state_dir = state_dir
        self._home = home
        self._template = template
        self._code = LocalCode(template, Archiver(), environment)

    @property
    def name(self) -> str:
        """The name of the app's directory."""
        return stack_name(self._home.name)

    @property
    def title(self) -> str:
        """The template's path."""
        return str(self._template)

    def build(self) -> Build:
        """Read the template and zip what it names.

        Raises:
            InfraError: it can't be run here.
        """
        return self._code.build()

    def quick_build(self, last: Build, paths: Collection[Path]) -> Build | None:
        """None: building is quick."""
        return None

    def watched(self) -> Collection[Path]:
        """The template's directory, and those with code elsewhere."""
        home = self._template.parent
        # `sam build` makes its directory anew, and a watch ends with what it watches.
        home = home.parent if home.parent.name == ".aws-sam" else home
        outside = {path for path in self._code.directories if not path.is_relative_to(home)}
        return {home, *outside}
