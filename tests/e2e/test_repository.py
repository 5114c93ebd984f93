"""The files that forges and newcomers read: workflows call make targets that exist, and pages name tests that exist."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FORGE = sorted((ROOT / ".github").rglob("*.yml"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def name(path):
    return str(path.relative_to(ROOT))


def targets():
    """The targets of the Makefile and of the files that it includes."""
    makefile = (ROOT / "Makefile").read_text()
    files = [ROOT / "Makefile", *(ROOT / path for path in re.findall(r"^include (.+)$", makefile, re.M))]
    return {target for path in files for target in re.findall(r"^([a-z][a-z0-9-]*):", path.read_text(), re.M)}


def steps(workflow):
    """Each step, with the choices of its job's matrix."""
    for job in workflow["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            yield step, matrix


def commands(step, matrix):
    """What a step runs, once for each choice of the matrix."""
    lines = step.get("run", "").splitlines()
    for key, choices in matrix.items():
        spelt = "${{ matrix.%s }}" % key
        lines = [line.replace(spelt, choice) for line in lines for choice in (choices if spelt in line else [key])]
    return lines


def test_there_is_a_workflow():
    assert WORKFLOWS


@pytest.mark.parametrize("path", FORGE, ids=name)
def test_files_for_forges_are_yaml(path):
    assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_workflows_run_make_targets_and_nothing_else(path):
    known, run = targets(), set()
    for step, matrix in steps(yaml.safe_load(path.read_text())):
        for command in commands(step, matrix):
            if command == "exit 1":
                continue
            found = re.fullmatch(r"make ([a-z0-9-]+)(?: [A-Z_]+=\w+)*", command)
            assert found, f"`{command}` is not one make target"
            assert found[1] in known, f"`make {found[1]}` does not exist"
            run.add(found[1])
    parts = {"check", "unit", "abi", "scenarios", "e2e", "js"}
    assert parts <= run, f"parts of `make test` that no job runs: {parts - run}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_actions_are_pinned_to_a_commit_with_its_version_beside_it(path):
    text = path.read_text()
    uses = re.findall(r"uses: (.+)", text)
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_jobs_may_only_read_and_end(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for key, job in workflow["jobs"].items():
        assert "permissions" not in job and job["timeout-minutes"] <= 120, key
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(workflow["jobs"]), key


def test_make_lists_its_targets():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("test", "check", "deny", "typos", "msrv", "fuzz"):
        assert f"make {target} " in listed
