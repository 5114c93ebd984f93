"""URIs that the policy lets come under a template, and pages under a prefix, against real URL parsers.

    uris.py --cli dist/toolward --rust PATH [--go PATH]

Mutates URIs that templates take, entries of `tests/policies/uris.yaml` and pages under its prefix, with a fixed seed,
and asks the policy (`toolward test`) for each. **The law**: what is let pass stays, as each parser normalises it, behind
what the template or the prefix says literally, and is no entry of which the policy says another thing.
`tests/differential/README.md` says more.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = ROOT / ".tools"
POLICY = ROOT / "tests/policies/uris.yaml"
SEED = 20261130
# Of each kind, before duplicates are dropped.
COUNT = 6000
BATCH = 1000
# A law that nothing could break holds of everything.
LEAST_PERMITTED, LEAST_DENIED = 100, 500

PREFIX = "https://ask.acme.test/consent/"
# What stands behind each of these is the caller's.
TEMPLATES = ["file:///docs/", "https://wiki.acme.test/", "db://tables/", "note:", "urn:acme:", "memo:", "docs://"]
# A template of a higher tier among what comes under the first.
STRICTER = ["file:///docs/vault/"]
# Entries that the human may not read, by their tier or by a rule.
DENIED = [
    "file:///docs/secret",
    "https://wiki.acme.test/secret",
    "db://tables/payroll?x=1",
    "note:secret",
    "note:named",
]
SEEDS = [
    *DENIED,
    "file:///docs/guide/intro.md",
    "file:///docs/vault/key",
    "file:///docs/caf%C3%A9%20au%20lait/x",
    "https://wiki.acme.test/Home/Start",
    "db://tables/free?x=1",
    "note:abc",
    "urn:acme:x:y",
    "memo:README",
    "docs://set/",
]
PAGES = [PREFIX, PREFIX + "42", PREFIX + "42/step?state=a.b&back=https%3A%2F%2Fx#top"]
# What somebody might put in, in the place of a character, or at the ends.
PIECES = [
    " ", "\t", "\n", "\r", "\u00a0", "\u2028", "\u3000", "\x7f", "\x85", "%20", "%09", "%0a", "%00", "%c2%a0", "%e2%80%8b", "%c2%ad",
    ".", "..", "/.", "/..", "/./", "/../", "/..;/", ";..", ";x=1", "..;", "%2e", "%2E", "%2e%2e", ".%2e", "%2e.", "%252e", "/%2e%2e/",
    "..%20", "..%00", "..%c0%af", "%c0%ae", "%e0%80%ae", "\uff0e", "%ef%bc%8e", "%ef%bc%8e%ef%bc%8e", "\u2025", "%e2%80%a5", "\u2024", "\u3002",
    "/", "//", "///", "\\", "\\..\\", "%2f", "%2F", "%5c", "%5C", "\u2215", "\uff0f", "%ef%bc%8f", "%e2%88%95", "\uff3c", "%252f",
    "?", "?x", "?x=1", "#", "#x", "%3f", "%23", "&y=2", "@", ":", ":80", ":443", ":0", "user@", "user:pw@", "@evil.test/", "[", "]", "{x}", "|", "^", "`", '"', "<", ">",
    "%", "%%", "%zz", "%4", "%41", "%7e", "%2d", "%c3", "%ff", "%c3%28", "%ed%a0%80", "%25", "%2525", "+", "%2b", "\u017f", "%c5%bf", "\u212a", "\u00e9", "e\u0301",
    "localhost", "127.1", "0x7f.1", "xn--", "evil.test", "/evil.test", "\\evil.test", "a", "A", "~", "..a", "a..", "%F0%9F%98%80",
]


def escape(character):
    """All bytes of a character as escapes, in either case of hex."""
    digits = "".join(f"%{byte:02x}" for byte in character.encode())
    return random.choice([digits, digits.upper()])


def mutate(uri):
    """One to three changes."""
    for _ in range(random.choice([1, 1, 1, 2, 2, 3])):
        at = random.randint(0, len(uri))
        # The ends of segments matter most.
        ends = [0, len(uri)] + [place + more for place, c in enumerate(uri) if c in "/?:;" for more in (0, 1)]
        if random.random() < 0.7:
            at = random.choice(ends)
        kind = random.randrange(6)
        if kind <= 2:
            uri = uri[:at] + random.choice(PIECES) + uri[at:]
        elif kind == 3 and at < len(uri):
            uri = uri[:at] + random.choice([escape(uri[at]), uri[at].swapcase(), "", uri[at] * 2]) + uri[at + 1 :]
        elif kind == 4 and at < len(uri):
            uri = uri[:at] + random.choice(PIECES) + uri[at + 1 :]
        else:
            # Another spelling of scheme or host.
            change = random.choice([("://", ":"), ("://", ":/"), ("://", ":///"), ("///", "//localhost/"), (".test", ".test."), (".test/", ".test:443/")])
            uri = random.choice([uri.replace(*change, 1), uri.upper(), uri.title(), uri + "/", uri.rstrip("/")])
    return uri


def corpus(seeds):
    """Every seed and its mutants, each once, in one order."""
    made = dict.fromkeys(seeds)
    made.update(dict.fromkeys(seed + piece for seed in seeds for piece in PIECES))
    for _ in range(COUNT):
        made.setdefault(mutate(random.choice(seeds)))
    return list(made)


def ask(cli, asked):
    """Which (kind, text) the policy permits."""
    permitted = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        tests = [
            {
                "name": str(number),
                "subject": {"issuer": "acme", "id": "alice", "groups": ["engineering"]},
                "actors": [{"subject": "agent:planner"}],
                "server": "github",
                kind: text,
                # Lists show what can be read: the two may not differ.
                "expect": {"effect": "permit", **({"visibility": "permit"} if kind == "resource" else {})},
            }
            for number, (kind, text) in enumerate(batch)
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "uris.test.yaml"
            file.write_text(json.dumps({"policy_tests": "toolward/v1", "now": "2026-11-30T12:00:00Z", "tests": tests}))
            done = subprocess.run([cli, "test", "--json", POLICY, file], capture_output=True, text=True, check=False)
        try:
            (results,) = json.loads(done.stdout)["files"]
        except (ValueError, KeyError):
            raise SystemExit(f"`toolward test` did not answer: {done.stdout[-2000:]}{done.stderr[-2000:]}") from None
        if len(results["tests"]) != len(batch):
            raise SystemExit(f"{len(results['tests'])} answers to {len(batch)} questions")
        for result in results["tests"]:
            asked_for = batch[int(result["name"])]
            found = " ".join(result["differences"])
            if asked_for[0] == "resource" and ("effect" in found) != ("visibility" in found):
                raise SystemExit(f"list and call do not agree about {asked_for[1]!r}: {found}")
            if result["passed"]:
                permitted.append(asked_for)
    return permitted


def readings(command, texts):
    """The normal forms that a parser gives each text; none if it rejects the text."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([str(part) for part in command], input=lines, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"`{command[0]}` failed: {done.stderr[-2000:]}")
    forms = [json.loads(line) for line in done.stdout.split("\n") if line]
    if len(forms) != len(texts):
        raise SystemExit(f"`{command[0]}` read {len(forms)} of {len(texts)} URIs")
    return dict(zip(texts, forms, strict=True))


def parsers(options):
    """The parsers by name; a command of `None` means that the parser is not installed."""
    python = lambda version: (TOOLS / f"mcp{version}/bin/python", HERE / "readers/urls.py")
    return {
        "Node URL": ("node", HERE / "readers/urls.mjs"),
        "Python urllib, pydantic (SDK 1.x)": python(1),
        "Python urllib, pydantic (SDK 2.x)": python(2),
        "Go net/url": (options.go,) if options.go else None,
        "Rust url": (options.rust,),
    }


def breaks(kind, text, read):
    """How a parser's reading of what was let pass breaks the law; `read` gives the forms of any text."""
    literals = [PREFIX] if kind == "url" else [literal for literal in TEMPLATES if text.startswith(literal)]
    if not literals:
        return "it comes under nothing"
    fold = lambda form: re.sub(r"/+(?=$|[?#])", "", form.casefold())
    bounds = [bound for literal in literals for bound in (literal, *read[literal])]
    for form in read[text]:
        if not any(form.startswith(bound) for bound in bounds):
            return f"is {form!r} to it, which is elsewhere"
        if kind == "url":
            continue
        for entry in DENIED:
            if fold(form) in {fold(entry), *map(fold, read[entry])}:
                return f"is {form!r} to it, which is {entry!r}"
        for stricter in STRICTER:
            if any(form.casefold().startswith(bound.casefold()) for bound in (stricter, *read[stricter])):
                return f"is {form!r} to it, which comes under {stricter!r}"
    return None


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cli", required=True, help="the toolward command")
    options.add_argument("--rust", required=True, help="the parser in Rust")
    options.add_argument("--go", help="the parser in Go, where Go is")
    options = options.parse_args()
    random.seed(SEED)
    asked = [("resource", text) for text in corpus(SEEDS)] + [("url", text) for text in corpus(PAGES)]
    permitted = ask(options.cli, asked)
    kinds = {kind: sum(found == kind for found, _ in permitted) for kind in ("resource", "url")}
    denied = len(asked) - len(permitted)
    print(f"{len(asked)} URIs, of which the policy permits {kinds['resource']} resources and {kinds['url']} pages")
    if min(kinds.values()) < LEAST_PERMITTED or denied < LEAST_DENIED:
        raise SystemExit("the corpus shows nothing: too few are permitted, or denied")
    texts = list(dict.fromkeys([text for _, text in asked] + DENIED + TEMPLATES + STRICTER + [PREFIX]))
    violations = 0
    for name, command in parsers(options).items():
        if command is None:
            print(f"  {name}: not run")
            continue
        read = readings(command, texts)
        wrong = [(text, why) for kind, text in permitted if (why := breaks(kind, text, read))]
        # To look at the beginning alone is what a careless filter does: the corpus must show it up.
        careless = [
            text
            for kind, text in asked
            if text.startswith(PREFIX if kind == "url" else tuple(TEMPLATES)) and text not in DENIED and breaks(kind, text, read)
        ]
        print(f"  {name}: {len(wrong)} violations; {len(careless)} if beginnings alone were compared")
        for text, why in wrong[:20]:
            print(f"    {text!r} passes, and {why}")
        violations += len(wrong)
        if not careless:
            raise SystemExit("the corpus shows nothing: this parser would not mislead even a careless filter")
    if violations:
        raise SystemExit(f"{violations} URIs are read otherwise than they were judged")


if __name__ == "__main__":
    sys.exit(main())
