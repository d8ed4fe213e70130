"""Finds lines in crontabs, their scripts and timers that delete our archives by age.

The guide's retention line, `find "$BACKUP_DIR" -name "quilltap_mongo_*.gz" -mtime +7 -delete`, matches the
archives Quillkeep writes as well, and deletes the last good one after a week of failures.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from services.retention_sources import Script, scheduled_scripts
from services.shell_lines import Shell, simple_commands

AGE = {"-mtime", "-ctime", "-atime", "-mmin", "-cmin", "-amin"}
REMOVERS = {"rm", "unlink", "shred", "trash", "trash-put"}
SCRIPT_DEPTH = 3
"""Scripts that call scripts that call scripts."""


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """A line that would delete one of our files by age; `source` is the file it stands in."""

    source: str
    line: str
    matches: str
    """The name of ours it matches."""

    def sentence(self) -> str:
        """The finding as an admin reads it."""
        return (
            f"{self.source} deletes backups by age, {self.matches} too: `{self.line}`. "
            "Remove that line; Quillkeep keeps by quality, not by age alone."
        )


class _Find(msgspec.Struct):
    roots: list[str]
    tests: list[str]


def deletions_by_age(
    location: Path, names: Sequence[str], *, scripts: Iterable[Script] | None = None
) -> list[Deletion]:
    """Every line that this user can read and that would delete one of these names of ours in the location.

    `names` are file or folder names directly in the location; `scripts` are what the machine runs by the
    clock, by default crontabs, the cron folders and timers. Unreadable files are passed over: what cannot be
    read cannot be judged.
    """
    found: list[Deletion] = []
    seen: set[str] = set()
    waiting = [(script, 0) for script in (scheduled_scripts() if scripts is None else scripts)]
    while waiting:
        script, depth = waiting.pop(0)
        if script.source in seen:
            continue
        seen.add(script.source)
        shell = Shell(dict(script.variables), cwd=script.cwd)
        for line, words in simple_commands(script.text, shell):
            found += _judge(location, names, script.source, line, words, shell)
            if depth < SCRIPT_DEPTH:
                waiting += [(named, depth + 1) for named in _named_scripts(words, shell)]
    return found


def _judge(
    location: Path, names: Sequence[str], source: str, line: str, words: list[str], shell: Shell
) -> list[Deletion]:
    command = _find_command(words)
    if command is None or not _by_age(command.tests) or not _deletes(command.tests, words):
        return []
    for root in command.roots or ["."]:
        for name in names:
            if _reaches(root, command.tests, location, name, shell):
                return [Deletion(source=source, line=line, matches=name)]
    return []


def _find_command(words: list[str]) -> _Find | None:
    for at, word in enumerate(words):
        if os.path.basename(word) == "find":
            rest = words[at + 1 :]
            break
    else:
        return None
    while rest and rest[0] in ("-H", "-L", "-P"):
        rest = rest[1:]
    roots = []
    while rest and not rest[0].startswith("-") and rest[0] not in ("(", "!"):
        roots.append(rest.pop(0))
    return _Find(roots, rest)


def _by_age(tests: list[str]) -> bool:
    for test, value in itertools.pairwise(tests):
        if test in AGE and not value.startswith("-"):
            return True
        if test in ("!", "-not") and value.startswith("-newer"):
            return True
    return False


def _deletes(tests: list[str], words: list[str]) -> bool:
    if "-delete" in tests:
        return True
    for test, value in itertools.pairwise(tests):
        if test in ("-exec", "-execdir", "-ok", "-okdir") and os.path.basename(value) in REMOVERS:
            return True
    if "|" not in words:
        return False
    piped = words[words.index("|") :]
    return any(os.path.basename(word) == "xargs" for word in piped) and any(
        os.path.basename(word) in REMOVERS for word in piped
    )


def _reaches(root: str, tests: list[str], location: Path, name: str, shell: Shell) -> bool:
    depth = _depth(root, location, name, shell)
    if depth is None:
        unknown = "$" in root and any(pattern.startswith("quilltap") for pattern in _patterns(tests)[0])
        if not unknown:
            return False
    elif depth > _number(tests, "-maxdepth", 1_000) or depth < _number(tests, "-mindepth", 0):
        return False
    is_folder = "." not in name
    if _value(tests, "-type") == ("f" if is_folder else "d") and (is_folder is False or _patterns(tests)[0]):
        return False
    return _name_matches(tests, name)


def _depth(root: str, location: Path, name: str, shell: Shell) -> int | None:
    """How deep below the root `find` meets the name; None when it does not, or the root cannot be known."""
    if "$" in root or "`" in root:
        return None
    place = os.path.expanduser(root)
    if not os.path.isabs(place):
        if shell.cwd is None or "$" in shell.cwd:
            return None
        place = os.path.join(shell.cwd, place)
    target = os.path.join(os.path.realpath(location), name)
    if re.search(r"[*?\[]", place):
        parts = len(Path(place).parts)
        head = os.path.join(*Path(target).parts[:parts])
        return len(Path(target).parts) - parts if fnmatch.fnmatchcase(head, place) else None
    base = os.path.realpath(place)
    if base != "/" and not (target == base or target.startswith(base + os.sep)):
        return None
    return len(Path(target).parts) - len(Path(base).parts)


def _patterns(tests: list[str]) -> tuple[list[str], list[str]]:
    """(patterns a name must match, patterns it must not match)."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for at, (test, value) in enumerate(itertools.pairwise(tests)):
        if test in ("-name", "-iname"):
            negated = at > 0 and tests[at - 1] in ("!", "-not")
            (unwanted if negated else wanted).append(value)
    return wanted, unwanted


def _name_matches(tests: list[str], name: str) -> bool:
    wanted, unwanted = _patterns(tests)
    folded = "-iname" in tests

    def matches(pattern: str) -> bool:
        if folded:
            return fnmatch.fnmatchcase(name.lower(), pattern.lower())
        return fnmatch.fnmatchcase(name, pattern)

    if any(matches(pattern) for pattern in unwanted):
        return False
    if not wanted:
        return True
    either = "-o" in tests or "-or" in tests
    return any(map(matches, wanted)) if either else all(map(matches, wanted))


def _value(tests: list[str], name: str) -> str | None:
    return tests[tests.index(name) + 1] if name in tests[:-1] else None


def _number(tests: list[str], name: str, default: int) -> int:
    value = _value(tests, name)
    return int(value) if value is not None and value.isdigit() else default


def _named_scripts(words: list[str], shell: Shell) -> Iterator[Script]:
    """Readable scripts that a command names, to be read with what is known of the shell that calls them."""
    from services.retention_sources import read_script

    for word in words:
        path = os.path.expanduser(word)
        if "/" not in path and not path.endswith(".sh"):
            continue
        if not os.path.isabs(path):
            if shell.cwd is None:
                continue
            path = os.path.join(shell.cwd, path)
        text = read_script(Path(path))
        if text is not None:
            yield Script(source=path, text=text, variables=dict(shell.variables), cwd=shell.cwd)
