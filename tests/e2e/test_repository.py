"""The files that forges and newcomers read: workflows call make targets that exist, and pages name tests that exist."""

import json
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
    """The commands of a step, once for each choice of the matrix."""
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


# Pages that name tests, as code, by the name of the function.
NAMING = ["ARCHITECTURE.md", "README.md", "docs/failures.md", "SECURITY.md"]
GUIDES = ["ARCHITECTURE.md", "CONTRIBUTING.md", "RELEASING.md"]


def named_tests():
    """The names of all tests: functions after `#[test]`, and Python's."""
    found = set()
    for folder in ("filter", "policy-wasm", "harness", "tests"):
        for path in (ROOT / folder).rglob("*.rs"):
            found.update(re.findall(r"#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)", path.read_text()))
            found.update(re.findall(r"^ {8}fn (\w+)\(", path.read_text(), re.M))  # in `proptest!`
        for path in (ROOT / folder).rglob("test_*.py"):
            found.update(re.findall(r"^def (test_\w+)", path.read_text(), re.M))
    return found


def test_pages_name_tests_that_exist():
    known = named_tests()
    assert len(known) > 400
    for page in NAMING:
        if not (ROOT / page).exists():
            continue
        # Four words or more: settings and reasons have fewer.
        named = re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", (ROOT / page).read_text())
        missing = {one for one in named if one not in known} - {"allow_on_headers_stop_iteration"}
        assert not missing, f"{page} names tests that do not exist: {missing}"


def test_each_invariant_is_held_by_a_test():
    page = (ROOT / "ARCHITECTURE.md").read_text().split("## Invariants")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (?!invariant)([^|]+) \| ([^|]+) \|$", page, re.M)
    assert len(rows) >= 12
    known, make = named_tests(), targets()
    for invariant, held in rows:
        names = [name.removeprefix("make ") for name in re.findall(r"`([^`]+)`", held) if " " not in name or "make" in name]
        assert any(name in known or name in make for name in names), invariant


@pytest.mark.parametrize("page", GUIDES)
def test_guides_link_to_files_and_name_targets_that_exist(page):
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / link).exists(), f"{page} links to {link}"
    for target in re.findall(r"`make ([a-z0-9-]+)", text):
        assert target in targets(), f"{page} names `make {target}`"
    for path in re.findall(r"`((?:filter|policy-wasm|harness|tests|docs|examples)/[\w./-]+)`", text):
        assert (ROOT / path).exists() or path.startswith("tests/bundles/v"), f"{page} names {path}"


def test_everything_has_one_version():
    version = re.search(r'\[workspace\.package\]\nversion = "(.+)"', (ROOT / "Cargo.toml").read_text())[1]
    package = json.loads((ROOT / "policy-wasm/js/npm/package.json").read_text())
    assert package["version"] == version
