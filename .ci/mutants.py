"""Mutation testing: `python3 .ci/mutants.py` for all files of .cargo/mutants.toml, `python3 .ci/mutants.py FILE…` for some.

cargo-mutants says which mutants there are. It would build a crate anew for each of them, which takes days here, so all mutants of
a crate are built at once: in a copy of the tree each function begins with a copy of its body for each of its mutants, and the
environment says which one is run instead of what follows. Then one test program after another is run for each mutant,
the crate's own tests first, until a test fails. A test that takes ten times its time is stopped and has failed.

Prints a row for each file and the mutants that lived; fails if there are any. What was found stands in target/mutants/found.json, mutant
by mutant, with the test that found it. A run goes on from there, but of a file that has changed, and begins anew where that file is removed.
"""

import collections
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

FOUND = pathlib.Path("target/mutants/found.json")
CRATES = {"golv-engine": "engine", "golv-journal": "gateway/journal"}
# The least that a test program is given, in seconds of a processor.
SECONDS = 20
# The most memory that a test program can ask for, in bytes.
MEMORY = 8 * 1024**3
CHOICE = '''
/// Whether a mutant is the one that is run.
#[doc(hidden)]
pub fn is_chosen(mutant: u32) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<u32>> =
        std::sync::LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()));
    *CHOSEN == Some(mutant)
}
'''
MARK = re.compile(r"/\*(begin|end) (\d+)\*/")
# What the compiler says of a constant function that calls another.
NO_CONSTANT = "E0015"
CHARACTER = re.compile(r"'(\\.|[^\\'])'")


def body_begins(function):
    """The place of the brace that opens a function's body; documentation and attributes may stand before it."""
    place, depth, is_named = 0, 0, False
    while True:
        if function.startswith("//", place):
            place = function.index("\n", place)
        elif function[place] == '"':
            place += 1
            while function[place] != '"':
                place += 2 if function[place] == "\\" else 1
        elif character := CHARACTER.match(function, place):
            place = character.end() - 1
        elif re.compile(r"\bfn\s").match(function, place):
            is_named = True
        elif function[place] in "([":
            depth += 1
        elif function[place] in ")]":
            depth -= 1
        elif function[place] == "{" and depth == 0 and is_named:
            return place
        place += 1


def weave(text, mutants):
    """A source with all of its mutants, by number."""
    lines = text.splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))

    def places(span):
        return [begins[span[end]["line"] - 1] + span[end]["column"] - 1 for end in ("start", "end")]

    functions = collections.defaultdict(list)
    for number, mutant in mutants:
        functions[tuple(places(mutant["function"]["span"]))].append((number, mutant))
    # The last function first, so that the places before it stay as they are.
    for (begin, end), own in sorted(functions.items(), reverse=True):
        brace, last = begin + body_begins(text[begin:end]), end - 1
        woven = ""
        for number, mutant in own:
            one, other = places(mutant["span"])
            body = text[brace + 1 : one] + mutant["replacement"] + text[other:last]
            woven += f"/*begin {number}*/ if crate::is_chosen({number}) {{ return {{ {body}\n }}; }} /*end {number}*/\n"
        # What is asked at run time cannot be computed by the compiler.
        head = re.sub(r"\bconst fn\b", "fn", text[begin:brace])
        text = text[:begin] + head + "{\n" + woven + text[brace + 1 :]
    return text


def is_no_constant_any_more(tree, file, before, sources):
    """Takes `const` from the function that a place is in, since it calls one that asks at run time; whether there was any."""
    head = re.findall(r"\bconst fn \w+", before)[-1:]
    text = sources.get(file) or (tree / file).read_text()
    if not head or head[0] not in text:
        return False
    # As long as it was, so that places stay as they are.
    text = text.replace(head[0], head[0].replace("const", "     "))
    if file in sources:
        sources[file] = text
    else:
        (tree / file).write_text(text)
    return True


def build(tree, package, mutants, sources):
    """The test programs with all mutants of a crate, and the numbers of those that do not compile."""
    unviable = set()
    # What the crates depend on is built once.
    environment = dict(os.environ, CARGO_TARGET_DIR=str(FOUND.parent.absolute()))
    while True:
        for file, source in sources.items():
            own = [(number, mutant) for number, mutant in mutants.items() if mutant["file"] == file and number not in unviable]
            (tree / file).write_text(weave(source, own))
        tests = ["cargo", "test", "--locked", "--profile", "mutants", "-p", package, "--lib", "--tests", "--no-run"]
        tests.append("--message-format=json")
        run = subprocess.run(tests, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True)
        messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        if run.returncode == 0:
            programs = [one for one in messages if one.get("executable") and one["profile"]["test"]]
            # The crate's own tests first.
            programs.sort(key=lambda one: ("lib" not in one["target"]["kind"], one["target"]["name"]))
            return [one["executable"] for one in programs], unviable
        refused, asks = set(), False
        for message in messages:
            if message["reason"] != "compiler-message" or message["message"]["level"] != "error":
                continue
            for span in message["message"]["spans"]:
                before = (tree / span["file_name"]).read_bytes()[: span["byte_start"]].decode()
                marks = MARK.findall(before)
                if span["is_primary"] and marks and marks[-1][0] == "begin":
                    refused.add(int(marks[-1][1]))
                elif span["is_primary"] and (message["message"]["code"] or {}).get("code") == NO_CONSTANT:
                    asks |= is_no_constant_any_more(tree, span["file_name"], before, sources)
        if not refused - unviable and not asks:
            errors = [one["message"]["rendered"] for one in messages if one["reason"] == "compiler-message"]
            sys.exit("\n".join([*errors, f"{package} does not compile, and no mutant is to blame"]))
        unviable |= refused


def run(program, folder, number, seconds):
    """What a test program says of a mutant, and how long it took."""

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        # Some mutants collect without an end.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    environment = dict(os.environ, MUTANT=str(number))
    # One failure is enough, and is not to be tried first with the next mutant.
    environment |= {"PROPTEST_MAX_SHRINK_ITERS": "0", "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "true"}
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(
        [program],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        preexec_fn=limit,
    )
    failed = None
    for line in child.stdout:
        if line.startswith("test ") and line.rstrip().endswith("FAILED"):
            failed = line.split()[1]
            child.kill()
            break
    child.stdout.close()
    code = child.wait()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = now.ru_utime + now.ru_stime - begun.ru_utime - begun.ru_stime
    if failed:
        return "caught", failed, took
    # Stopped for its time.
    if code == -9:
        return "timed out", "", took
    return ("lived", "", took) if code == 0 else ("caught", f"ended with {code}", took)


def digest(file):
    """What tells a source from what it was."""
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()


def test(tree, package, mutants, found):
    """Finds out about each mutant of a crate that is not known yet."""
    folder = tree / CRATES[package]
    library = folder / "src/lib.rs"
    sources = {mutant["file"]: (tree / mutant["file"]).read_text() for mutant in mutants.values()}
    library.write_text(library.read_text() + CHOICE)
    programs, unviable = build(tree, package, mutants, sources)
    seconds = {}
    for program in programs:
        outcome, by, took = run(program, folder, 0, 3600)
        assert outcome == "lived", f"{program} fails without a mutant: {by}"
        seconds[program] = max(SECONDS, round(10 * took))
    for number, mutant in mutants.items():
        outcome, by = ("unviable", "") if number in unviable else ("lived", "")
        if number not in unviable:
            for program in programs:
                outcome, by, _ = run(program, folder, number, seconds[program])
                if outcome != "lived":
                    break
        found[mutant["name"]] = [outcome, by, digest(mutant["file"])]
        FOUND.write_text(json.dumps(found, indent=0))
        print(f"{outcome:9} {mutant['name']}", flush=True)


def main():
    os.chdir(pathlib.Path(__file__).parent.parent)
    listing = ["cargo", "mutants", "--list", "--json", "--workspace"]
    listed = json.loads(subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True).stdout)
    listed = [mutant for mutant in listed if not sys.argv[1:] or mutant["file"] in sys.argv[1:]]
    # A constant is computed by the compiler, and two bodies of one opaque type do not compile: these are for cargo-mutants itself.
    is_woven = lambda mutant: mutant["function"] and "-> impl" not in mutant["function"]["return_type"]
    woven = [mutant for mutant in listed if is_woven(mutant)]
    FOUND.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    known = {mutant["name"] for mutant in woven if found.get(mutant["name"], [""])[-1] == digest(mutant["file"])}
    # One that lived is asked about again: a test may have come.
    known -= {name for name in known if found[name][0] == "lived"}
    begun = time.monotonic()
    for package in CRATES:
        own = [mutant for mutant in woven if mutant["package"] == package and mutant["name"] not in known]
        if not own:
            continue
        with tempfile.TemporaryDirectory() as copy:
            tree = pathlib.Path(copy) / "golv"
            shutil.copytree(".", tree, ignore=shutil.ignore_patterns("target", ".git"))
            test(tree, package, dict(enumerate(own, 1)), found)
    counts = collections.defaultdict(collections.Counter)
    for mutant in listed:
        counts[mutant["file"]][found[mutant["name"]][0] if mutant["name"] in found else "not run"] += 1
    kinds = ["caught", "timed out", "unviable", "lived", "not run"]
    print("\n| file | mutants | " + " | ".join(kinds) + " |\n|---" + "|--:" * (1 + len(kinds)) + "|")
    for file, own in sorted(counts.items()):
        print(f"| `{file}` | {own.total()} | " + " | ".join(str(own[kind]) for kind in kinds) + " |")
    lived = [name for name in (mutant["name"] for mutant in listed) if found.get(name, [""])[0] == "lived"]
    print(f"\n{round(time.monotonic() - begun)} seconds", *lived, sep="\n")
    sys.exit(bool(lived))


if __name__ == "__main__":
    main()
