"""Reading shell text without running it: commands, with the variables that the text itself sets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

SEPARATORS = {";", "&&", "||", "&", "(", ")", ";;"}
_ASSIGNMENT = re.compile(r"^(?:export\s+|local\s+|readonly\s+|declare\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)=(.*)$")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))")
_QUOTED_PUNCTUATION = re.compile(r"""\\([;()!])|(['"])([;()!])\2""")
_PLACEHOLDER = {";": "\ue000", "(": "\ue001", ")": "\ue002", "!": "\ue003"}
_RESTORED = {mark: char for char, mark in _PLACEHOLDER.items()}


class Shell:
    """What is known of a shell at one line: variables set so far and the folder it went to (None: unknown)."""

    def __init__(self, variables: dict[str, str], *, cwd: str | None) -> None:
        self.variables = variables
        self.cwd = cwd

    def expand(self, text: str) -> str:
        """Replaces known variables, and unknown ones that carry a default; the others stay as written."""

        def value(match: re.Match[str]) -> str:
            name = match.group(1) or match.group(3)
            if name in self.variables:
                return self.variables[name]
            return match.group(0) if match.group(2) is None else match.group(2).strip("\"'")

        for _nested in range(3):
            text = _VARIABLE.sub(value, text)
        return text


def simple_commands(text: str, shell: Shell) -> Iterator[tuple[str, list[str]]]:
    """(the line as written, its words expanded) of every command; a pipeline is one, with `|` among its words.

    Assignments and `cd` change `shell` on the way; `sh -c '...'` is read as a script of its own.
    """
    for line in _logical_lines(text):
        assignment = _ASSIGNMENT.match(line)
        if assignment and len(_words(assignment.group(2))) <= 1:
            shell.variables[assignment.group(1)] = shell.expand("".join(_words(assignment.group(2))))
            continue
        for raw in _split(_words(line)):
            while raw and re.match(r"^[A-Za-z_]\w*=", raw[0]):
                name, _, value = raw.pop(0).partition("=")
                shell.variables[name] = shell.expand(value)
            words = [shell.expand(word) for word in raw]
            if not words:
                continue
            if words[0] == "cd" and len(words) > 1:
                shell.cwd = words[1]
                continue
            yield line, words
            if "-c" in words[:-1] and re.search(r"(^|/)(ba|da|z|k)?sh$", words[0]):
                yield from simple_commands(words[words.index("-c") + 1], shell)


def _logical_lines(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped


def _words(line: str) -> list[str]:
    marked = _QUOTED_PUNCTUATION.sub(
        lambda match: f" {_PLACEHOLDER[match.group(1) or match.group(3)]} ", line
    )
    lexer = shlex.shlex(marked, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:
        words = marked.split()
    return [_RESTORED.get(word, word) if word in _RESTORED else word for word in words]


def _split(words: list[str]) -> Iterator[list[str]]:
    """Commands of one line. An escaped `;` or `(` came back as itself only inside a `find`, where it is a word."""
    command: list[str] = []
    inside_find = False
    for word in words:
        ends = word in SEPARATORS and not (inside_find and word in ("(", ")"))
        if ends and not (word == ";" and inside_find and _open_exec(command)):
            if command:
                yield command
            command = []
            inside_find = False
            continue
        if word in ("do", "then", "else", "{", "if", "while", "time") and not command:
            continue
        inside_find = inside_find or word.rpartition("/")[2] == "find"
        command.append(word)
    if command:
        yield command


def _open_exec(command: list[str]) -> bool:
    """Whether an `-exec` waits for its `;`."""
    last = max((at for at, word in enumerate(command) if word.startswith(("-exec", "-ok"))), default=None)
    return last is not None and not any(word in (";", "+") for word in command[last:])
