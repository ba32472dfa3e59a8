"""A certificate authority of this machine's own, for ``https://{domainName}/{stage}``.

On AWS the management API has TLS, and apps build its address from the event. So that they
run unmodified, the gateway has TLS, too, and Lambdas are told to trust its authority.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import trustme

NAMES: Final = ("localhost", "127.0.0.1", "::1")


class Authority:
    """Made anew at each start; nothing but Lambdas of the local stack trusts it."""

    def __init__(self, certificate_path: Path) -> None:
        """Make an authority and write its certificate (never its key) to a file."""
        self._authority = trustme.CA(organization_name="Local stack")
        self.certificate_path = certificate_path
        certificate_path.parent.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(str(certificate_path))

    def server_context(self, *names: str) -> ssl.SSLContext:
        """For a server under the names of this machine, and others."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*NAMES, *names).configure_cert(context)
        return context

    def lambda_environment(self) -> dict[str, str]:
        """Variables by which boto3 and Node trust the authority."""
        path = str(self.certificate_path.resolve())
        return {"AWS_CA_BUNDLE": path, "NODE_EXTRA_CA_CERTS": path}
