"""The JSON Schema of policies, which editors use, is checked with an independent validator."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/policy.schema.json").read_text())
VALID = sorted(
    path
    for pattern in ("examples/policies/*/*.yaml", "tests/policies/**/*.yaml")
    for path in ROOT.glob(pattern)
    if not path.name.endswith(".test.yaml")
)
# Those among the invalid ones whose fault a schema can see; names, references and conditions it cannot.
MISSHAPEN = [
    "actors", "approvals", "arguments", "budgets", "chain", "chain-fraction", "checks", "consent", "grants", "not-a-map", "tiers",
    "unknown-keys", "version", "version-missing", "windows",
]


def name(path):
    return str(path.relative_to(ROOT))


def test_the_schema_is_one():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_there_are_policies():
    assert len(VALID) >= 10, VALID


@pytest.mark.parametrize("path", VALID, ids=name)
def test_it_accepts_every_policy(path):
    errors = Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(path.read_text()))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize("case", MISSHAPEN)
def test_it_refuses_a_wrong_shape(case):
    policy = yaml.safe_load((ROOT / f"tests/policy/invalid/{case}.yaml").read_text())
    assert not Draft202012Validator(SCHEMA).is_valid(policy)


SCENARIOS = sorted(path for path in (ROOT / "tests/scenarios").rglob("*.json") if path.name != "base.json")
SCENARIO_SCHEMA = json.loads((ROOT / "tests/scenarios.schema.json").read_text())


def test_the_schema_of_scenarios_accepts_every_scenario():
    Draft202012Validator.check_schema(SCENARIO_SCHEMA)
    validator = Draft202012Validator(SCENARIO_SCHEMA)
    assert len(SCENARIOS) > 100
    for path in SCENARIOS:
        errors = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(json.loads(path.read_text()))]
        assert not errors, f"{name(path)}: {errors}"


def test_the_schema_of_scenarios_refuses_a_key_that_the_loader_does_not_know():
    for spoilt in ({"summary": "x"}, {"cases": [{"name": "x", "exchanges": [{"expect": {"decision": "pass"}}]}]}):
        good = {"about": "x", "policy": "acme.yaml", "cases": [{"name": "x", "exchanges": [{"expect": {"decision": "permit"}}]}]}
        validator = Draft202012Validator(SCENARIO_SCHEMA)
        assert validator.is_valid(good) and not validator.is_valid(good | spoilt)
