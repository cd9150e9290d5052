"""What `run` is made of: reading the list, putting a mutant in and taking it out again, and asking the simulation."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import time
import tomllib

# What the simulation is built of.
CRATES = ["runtime/core", "tests/simulation"]
# The code under test alone may be mutated: a bug in the simulation would prove nothing.
MUTABLE = "runtime/core/src/"
# A mutant may make the simulation wait for ever.
SIMULATION_S_MAX = 600

# Each mutant is built once and mostly caught within the first worlds.
FAST_TO_BUILD = {"CARGO_PROFILE_RELEASE_INCREMENTAL": "true", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1"}

CAUGHT, SURVIVED, BROKEN = "caught", "SURVIVED", "DOES NOT COMPILE"


class Unfit(Exception):
    """The mutants cannot be judged; says why."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One bug: `find`, which occurs once in `file`, becomes `replace`."""

    name: str
    bug: str
    file: str
    find: str
    replace: str


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    mutant: Mutant
    verdict: str
    said: str
    seconds: float


def load(path, only=None):
    """The mutants of a list; those named `only` if there are any."""
    with open(path, "rb") as file:
        listed = tomllib.load(file).get("mutant", [])
    try:
        mutants = [Mutant(**entry) for entry in listed]
    except TypeError as error:
        raise Unfit(f"{path.name}: each mutant has name, bug, file, find and replace: {error}") from error
    names = [mutant.name for mutant in mutants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unfit(f"{path.name}: more than one mutant is named {', '.join(twice)}")
    unknown = sorted(set(only or []) - set(names))
    if unknown:
        raise Unfit(f"{path.name}: no mutant is named {', '.join(unknown)}")
    chosen = [mutant for mutant in mutants if not only or mutant.name in only]
    if not chosen:
        raise Unfit(f"{path.name} lists no mutant")
    return chosen


def check(mutants, root):
    """Fails unless each mutant fits the code as it is; names all that do not."""
    wrong = []
    for mutant in mutants:
        path = root / mutant.file
        if not mutant.file.startswith(MUTABLE):
            wrong.append(f"{mutant.name}: {mutant.file} is not below {MUTABLE}")
        elif not path.is_file():
            wrong.append(f"{mutant.name} is stale: there is no {mutant.file}")
        elif (count := path.read_text().count(mutant.find)) != 1:
            wrong.append(f"{mutant.name} is stale: what it looks for occurs {count} times in {mutant.file}")
        elif mutant.find == mutant.replace:
            wrong.append(f"{mutant.name} changes nothing")
    if wrong:
        raise Unfit("\n  ".join(["the list does not fit the code:", *wrong]))


def copy(root, workspace):
    """Makes a workspace of the crates alone. The files are as new as can be: cargo must not take what it built of a mutant."""
    shutil.rmtree(workspace, ignore_errors=True)
    for crate in CRATES:
        if not (root / crate).is_dir():
            raise Unfit(f"there is no {crate}")
        ignored = shutil.ignore_patterns("target", "__pycache__")
        shutil.copytree(root / crate, workspace / crate, ignore=ignored, copy_function=shutil.copyfile)
    shutil.copyfile(root / "Cargo.lock", workspace / "Cargo.lock")
    (workspace / "Cargo.toml").write_text(members((root / "Cargo.toml").read_text()))


def members(manifest):
    """The manifest of the workspace with the crates as its only members."""
    quoted = ", ".join(f'"{crate}"' for crate in CRATES)
    text, count = re.subn(r"^members = \[[^\]]*\]", f"members = [{quoted}]", manifest, flags=re.MULTILINE)
    if count != 1:
        raise Unfit("Cargo.toml has no list of members")
    return text


def judge(mutants, workspace, simulate, say):
    """One result for each mutant, in order. `simulate` returns a verdict on the workspace as it is, and a line that tells why."""
    verdict, said = simulate()
    if verdict != SURVIVED:
        raise Unfit(f"the code without a mutant does not pass: {said}")
    say("the code as it is passes")
    results = []
    for mutant in mutants:
        path = workspace / mutant.file
        original = path.read_text()
        path.write_text(original.replace(mutant.find, mutant.replace))
        begin = time.monotonic()
        try:
            verdict, said = simulate()
        finally:
            path.write_text(original)
        results.append(Result(mutant, verdict, said, time.monotonic() - begin))
        say(f"{mutant.name}: {verdict}")
    return results


class Simulation:
    """Builds and runs the simulation of the copied workspace."""

    def __init__(self, work, seeds):
        self.workspace, self.target, self.seeds = work / "workspace", work / "target", seeds

    def __call__(self):
        environment = os.environ | FAST_TO_BUILD | {"CARGO_TARGET_DIR": str(self.target), "RUST_BACKTRACE": "0"}
        # no --locked: the lock file still has the crates that were left out
        build = ["cargo", "build", "--quiet", "--release", "-p", "tamis-simulation", "--bin", "simulate"]
        built = subprocess.run(build, cwd=self.workspace, env=environment, capture_output=True, text=True)
        if built.returncode != 0:
            return BROKEN, first_line(built.stderr, r"^error")
        try:
            command = [self.target / "release/simulate", "--seeds", str(self.seeds)]
            ran = subprocess.run(
                command,
                cwd=self.workspace,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SIMULATION_S_MAX,
            )
        except subprocess.TimeoutExpired:
            return CAUGHT, f"no end within {SIMULATION_S_MAX} s"
        return outcome(ran.returncode, ran.stdout)


def outcome(code, output):
    """What the end of a simulation says of the code: 0 is passed, 1 a law that is broken, 101 and a signal a panic."""
    if code == 0:
        return SURVIVED, ""
    if code in (1, 101) or code < 0:
        return CAUGHT, first_line(output, r"\bseed\b", and_next=True)
    raise Unfit(f"simulate ended with {code}: {output.strip()}")


def first_line(text, pattern, and_next=False):
    """The first line in which `pattern` is found, maybe with the next one; else the last one: of a panic its message."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("note: ")]
    for index, line in enumerate(lines):
        if re.search(pattern, line):
            return ": ".join(lines[index : index + 1 + and_next])
    return lines[-1] if lines else "nothing was said"


def table(results):
    """The results as text, one a line, with what did not go as it must at the end."""
    width = max(len(result.mutant.name) for result in results)
    verdicts = max(len(result.verdict) for result in results)
    rows = [
        f"{result.mutant.name:<{width}}  {result.verdict:<{verdicts}}  {result.seconds:5.1f} s  {result.said}"
        for result in results
    ]
    failed = [result for result in results if result.verdict != CAUGHT]
    rows.append(f"{len(results) - len(failed)} of {len(results)} mutants were caught")
    rows += [f"{result.verdict}: {result.mutant.name} ({result.mutant.bug})" for result in failed]
    return "\n".join(rows)
