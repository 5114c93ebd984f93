"""The JSON Schema that editors check policies by: held against a validator that is not ours."""

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
