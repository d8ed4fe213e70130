"""Whose the files in findings are, and where the application uses them: avatars and chat attachments."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from services.archive.documents import split_documents
from services.archive.elements import ARRAY, DOCUMENT, STRING, NotBson, elements
from services.archive.model import Buffer
from services.reading.side import DataSide

MOST_PLACES = 20
"""Places of one file that are kept; more are only counted."""
_ATTACHMENTS = re.compile(rb"\x04attachments\x00(?=.{4})", re.DOTALL)
_FIELDS = {
    "users": ("id", "name"),
    "characters": ("id", "name", "defaultImageId", "avatarOverrides"),
    "personas": ("id", "name", "defaultImageId"),
    "chat_messages": ("chatId", "messages.attachments"),
}
_CHATS = {"chats": ("id", "title")}


class Usage:
    """Collects places of some files; `wants` and `add` hang it into any reading of whole documents.

    Names of chats are only known when `chats` is read after `chat_messages`, or a second time.
    """

    wants = frozenset({*_FIELDS, *_CHATS})

    def __init__(self, files: Collection[str], users: Collection[str] = ()) -> None:
        self._files = frozenset(files)
        self._users = frozenset(users)
        self._places: dict[str, list[str]] = {}
        self._chats: dict[str, list[str]] = {}
        self._in_chats: set[str] = set()
        self._more: dict[str, int] = {}
        self.users: dict[str, str] = {}
        self.titles: dict[str, str] = {}

    @property
    def needs_chats(self) -> bool:
        """Whether there are chats whose titles were not seen yet."""
        return not self._in_chats <= self.titles.keys()

    def add(self, collection: str, data: Buffer) -> None:
        """Takes whole documents of a collection; what is no document is passed over."""
        look = {
            "users": self._user,
            "characters": self._portrait,
            "personas": self._portrait,
            "chat_messages": self._messages,
            "chats": self._chat,
        }.get(collection)
        if look is None:
            return
        for raw in split_documents(data):
            try:
                look(collection, bytes(raw))
            except (NotBson, UnicodeDecodeError):
                continue

    def of(self, file: str) -> tuple[str, ...]:
        """Where a file is used, in words; empty when nothing that was read refers to it."""
        found = list(self._places.get(file, ()))
        for chat in self._chats.get(file, ()):
            title = self.titles.get(chat)
            found.append(
                f"an attachment in the chat {title!r} ({chat})"
                if title
                else f"an attachment in the chat {chat}"
            )
        if more := self._more.get(file):
            found.append(f"{more:,} more places")
        return tuple(found)

    def _user(self, _: str, raw: bytes) -> None:
        found = strings_of(raw, ("id", "name"))
        if found.get("id") in self._users:
            self.users[found["id"]] = found.get("name", "")

    def _portrait(self, collection: str, raw: bytes) -> None:
        found = strings_of(raw, ("id", "name", "defaultImageId"))
        what = "character" if collection == "characters" else "persona"
        named = f"{found.get('name', '')!r} ({found.get('id', '')})"
        if found.get("defaultImageId") in self._files:
            self._place(found["defaultImageId"], f"the avatar of the {what} {named}")
        for kind, name, value, _ in elements(raw):
            if kind == ARRAY and raw.startswith(b"avatarOverrides\0", name):
                for inner, _, start, _ in elements(raw, value):
                    if inner == DOCUMENT:
                        override = strings_of(raw, ("chatId", "imageId"), start)
                        if override.get("imageId") in self._files:
                            chat = override.get("chatId", "")
                            text = f"the avatar of the {what} {named} in the chat {chat}"
                            self._place(override["imageId"], text)

    def _messages(self, _: str, raw: bytes) -> None:
        chat = ""
        for match in _ATTACHMENTS.finditer(raw):
            for file in _texts(raw, match.end()):
                if file not in self._files:
                    continue
                chat = chat or strings_of(raw, ("chatId",)).get("chatId", "")
                chats = self._chats.setdefault(file, [])
                if chat in chats:
                    continue
                if len(chats) < MOST_PLACES:
                    chats.append(chat)
                    self._in_chats.add(chat)
                else:
                    self._more[file] = self._more.get(file, 0) + 1

    def _chat(self, _: str, raw: bytes) -> None:
        found = strings_of(raw, ("id", "title"))
        id = found.get("id", "")
        if id in self._in_chats:
            self.titles[id] = found.get("title", "")

    def _place(self, file: str, text: str) -> None:
        places = self._places.setdefault(file, [])
        if len(places) < MOST_PLACES:
            places.append(text)
        else:
            self._more[file] = self._more.get(file, 0) + 1


def find_usage(
    side: DataSide,
    files: Collection[str],
    users: Collection[str],
    *,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> Usage:
    """Reads what refers to files of a side, live by a projection, and once more for titles where some are needed.

    Without `files` only the users' names are read.

    Memory grows with `files` and `users` only. Errors: `QuillkeepError` when a collection cannot be read.
    """
    usage = Usage(files, users)
    wanted = _FIELDS if files else {"users": _FIELDS["users"]}
    side.read(wanted, usage.add, check=check, advance=advance)
    if usage.needs_chats:
        side.read(_CHATS, usage.add, check=check, advance=advance)
    return usage


def strings_of(raw: bytes, names: Collection[str], start: int = 0) -> dict[str, str]:
    """The strings of these names in one document, not below it. Raises `NotBson`."""
    found = {}
    for kind, name, value, end in elements(raw, start):
        if kind == STRING and (text := raw[name : value - 1].decode("utf-8", "replace")) in names:
            found[text] = raw[value + 4 : end - 1].decode("utf-8", "replace")
    return found


def _texts(raw: bytes, array: int) -> Iterator[str]:
    """The strings of an array, and the `id` of each document in it; nothing where it is no array."""
    try:
        for kind, _, value, end in elements(raw, array):
            if kind == STRING:
                yield raw[value + 4 : end - 1].decode("utf-8", "replace")
            elif kind == DOCUMENT and (id := strings_of(raw, ("id",), value).get("id")):
                yield id
    except NotBson:
        # The same bytes inside a text: no array begins there.
        return
