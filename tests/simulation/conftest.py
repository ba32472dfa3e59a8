"""The site of the integration tests serves here, too."""

from tests.integration.conftest import site

__all__ = ["site"]
