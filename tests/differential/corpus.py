"""The parts that `differential.py` and `answers.py` share: the corpus with the filter's part in it, and the page of results."""

import argparse
import base64
import json
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = ROOT / ".tools"
# A program that agrees with fewer inputs than this does not work: one that hears nothing would agree with all of them.
LEAST_HEARD = 10


def options(description, *, program, page):
    """The command line of both programs. `page` is the page that must be true, in `docs/`."""
    arguments = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cli", required=True, help="the command line with `toolward run`")
    arguments.add_argument("--rmcp", required=True, help=f"the {program} written in Rust")
    arguments.add_argument("--go", help=f"the {program} written in Go; left out where Go is missing")
    arguments.add_argument("--page", type=Path, default=ROOT / "docs" / page, help="the page that must be true")
    arguments.add_argument("--out", type=Path, default=ROOT / "dist" / page, help="the page of this run")
    return arguments.parse_args()


def load(cli, area):
    """Each scenario of an area, run natively: its id without the area, and its one exchange."""
    command = [cli, "run", "--target", "native", "--json", "--exchanges", ROOT / "tests/scenarios" / area]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    found = []
    for line in done.stdout.splitlines():
        if not line.startswith("{"):
            continue
        run = json.loads(line)
        if run["result"] != "passed":
            raise SystemExit(f"{run['id']}: {run['differences']}")
        (exchange,) = run["exchanges"]
        found.append((run["id"].split("/", 1)[1], exchange))
    if not found:
        raise SystemExit(done.stderr or "no inputs")
    return found


def fields(pairs):
    """Header fields of an exchange, with the values as bytes."""
    return [(name, base64.b64decode(value)) for name, value in pairs]


def output():
    """Where the output of programs goes: to the screen with `VERBOSE=1`, else nowhere."""
    return None if os.environ.get("VERBOSE") == "1" else subprocess.DEVNULL


def is_true(page, text):
    """Whether a page says this already."""
    return page.exists() and page.read_text(encoding="utf-8") == text


def finish(given, text, *, inputs, programs, missing, violations, names):
    """Writes the page of this run, compares it with the one that must be true (with `BLESS=1`: rewrites that), and prints
    the results. Returns the exit status. `names`: the words for inputs and programs."""
    of_inputs, of_programs = names
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, encoding="utf-8")
    for name in missing:
        print(f"NOT RUN: {name}: its toolchain is missing", flush=True)
    stale = False
    if os.environ.get("BLESS") == "1":
        if missing:
            raise SystemExit(f"the page is only written where all {of_programs} run")
        given.page.write_text(text, encoding="utf-8")
    elif not missing:
        stale = not is_true(given.page, text)
        if stale:
            print(f"{given.page} differs from this run: `BLESS=1 make differential`, then read the difference")
    for violation in violations:
        print(f"VIOLATION {violation}")
    running = programs - len(missing)
    print(f"{inputs} {of_inputs}, {running} {of_programs}: {len(violations)} violations", flush=True)
    print(f"{inputs * running - len(violations)} passed, {len(violations) + stale} failed")
    return 1 if violations or stale else 0
