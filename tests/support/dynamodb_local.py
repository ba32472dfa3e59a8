"""AWS's DynamoDB Local by itself, with the project's tables on it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import boto3
import pytest
import urllib3

from tests.support.stack import free_port
from tests.support.tables import table_properties

START_SECONDS: Final = 60


@contextmanager
def running_dynamodb_local() -> Iterator[str]:
    """DynamoDB Local from the jar at ``DYNAMODB_LOCAL_JAR``; yields its version.

    Sets AWS_ENDPOINT_URL and TABLE_PREFIX. All is in memory. It has no option for its address
    and listens on all of this machine's.
    """
    jar = Path(os.environ.get("DYNAMODB_LOCAL_JAR", ""))
    if not jar.is_file():
        pytest.fail(
            "DYNAMODB_LOCAL_JAR must be the path of DynamoDBLocal.jar (of the archive that "
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
            "DynamoDBLocal.DownloadingAndRunning.html offers); it needs Java 17"
        )
    command = [
        "java",
        "-Xmx512m",
        f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}",
        "-jar",
        str(jar),
    ]
    told = subprocess.run([*command, "-version"], capture_output=True, text=True, timeout=60)
    version = re.search(r"\d+\.\d+\.\d+", told.stdout)
    if version is None:
        pytest.fail(f"{jar} does not tell its version: {told.stdout}{told.stderr}")
    port = free_port()
    options = ["-inMemory", "-disableTelemetry", "-port", str(port)]
    process = subprocess.Popen(
        [*command, *options], cwd=jar.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        os.environ["AWS_ENDPOINT_URL"] = url
        os.environ["TABLE_PREFIX"] = "conformance-"
        _create_tables(url)
        yield version[0]
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    pool = urllib3.PoolManager(retries=False)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            pool.request("GET", url)
        except urllib3.exceptions.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                error = process.stderr.read().decode() if process.stderr else ""
                pytest.fail(f"DynamoDB Local did not start: {error}")
            time.sleep(0.1)
        else:
            return


def _create_tables(url: str) -> None:
    """By CreateTable; what it does not take of the template is left out."""
    client = boto3.client("dynamodb", endpoint_url=url)
    separate = ("TimeToLiveSpecification", "PointInTimeRecoverySpecification", "SSESpecification")
    for name, properties in table_properties().items():
        arguments = {key: value for key, value in properties.items() if key not in separate}
        client.create_table(TableName=os.environ["TABLE_PREFIX"] + name, **arguments)
