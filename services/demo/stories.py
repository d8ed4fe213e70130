"""Sample characters, personas, chats with their messages, and memories with their vectors."""

from __future__ import annotations

import random
from typing import Any

from services.demo.layout import DIMENSIONS, Layout
from services.demo.sample_files import SampleFiles
from services.demo.seeds import NEWEST, Seeds, iso
from services.demo.words import Text

Document = dict[str, Any]
MESSAGES = (6, 16)
INDEXED_MEMORIES = 52
"""Memories of a character that its vector index holds at most."""


class Stories:
    """Documents of one seed and layout, each made from its number alone."""

    def __init__(self, seeds: Seeds, layout: Layout, text: Text, files: SampleFiles) -> None:
        self._seeds = seeds
        self._layout = layout
        self._text = text
        self._files = files

    def _id_of(self, kind: str, user: int, pick: int) -> str:
        return self._seeds.id(kind, self._layout.owned(kind, user, pick))

    def _file_of(self, user: int, pick: int) -> str:
        """The id of one of the user's small files."""
        mine = (self._layout.small_objects - user + self._layout.users - 1) // self._layout.users
        return self._seeds.id("files", user + self._layout.users * (pick % mine))

    def _start(self, kind: str, number: int) -> tuple[random.Random, int, str, float, Document]:
        at = self._seeds.when(kind, number)
        user = self._layout.owner(number)
        head = {"_id": self._seeds.object_id(kind, number, at), "id": self._seeds.id(kind, number)}
        return self._seeds.random(kind, number), user, self._seeds.id("users", user), at, head

    def characters(self, number: int) -> Document:
        """A character; one in five was imported, with a card that is kept as it was."""
        maker, user, user_id, at, head = self._start("characters", number)
        name = self._text.name(maker)
        document = {
            **head,
            "userId": user_id,
            "name": name,
            "title": self._text.phrase(maker) if number % 3 == 0 else None,
            "description": self._text.text(maker, 12),
            "personality": self._text.text(maker, 4) if number % 4 else None,
            "scenario": self._text.text(maker, 5) if number % 4 else None,
            "firstMessage": f"*{self._text.phrase(maker)}* {self._text.text(maker, 2)}",
            "exampleDialogues": "{{user}}: Is it safe?\n{{char}}: " + self._text.text(maker, 2),
            "systemPrompt": "You are {{char}}. Never break character." if number % 2 else None,
            "avatarUrl": None,
            "defaultImageId": self._file_of(user, number) if number % 3 == 0 else None,
            "defaultConnectionProfileId": self._id_of("connection_profiles", user, 0),
            "isFavorite": number % 6 == 0,
            "personaLinks": [{"personaId": self._id_of("personas", user, 0), "isDefault": True}],
            "tags": [self._id_of("tags", user, number)],
            "avatarOverrides": [],
            "physicalDescriptions": [self._description("characters", number, maker, at)],
            "createdAt": iso(at),
            "updatedAt": iso(min(at + 86_400, NEWEST)),
        }
        if number % 5 == 0:
            document["sillyTavernData"] = self._card(maker, name)
        return document

    def _description(self, kind: str, number: int, maker: random.Random, at: float) -> Document:
        return {
            "id": self._seeds.id(f"{kind}.description", number),
            "name": self._text.name(maker),
            "shortPrompt": self._text.phrase(maker),
            "mediumPrompt": self._text.text(maker, 2),
            "fullDescription": f"## {self._text.name(maker)}\n- *grey* beard\n- {self._text.phrase(maker)}",
            "createdAt": iso(at),
            "updatedAt": iso(at),
        }

    def _card(self, maker: random.Random, name: str) -> Document:
        """An imported SillyTavern card, odd field names and all."""
        return {
            "name": name,
            "description": self._text.text(maker, 3),
            "personality": self._text.phrase(maker),
            "first_mes": self._text.phrase(maker),
            "mes_example": "<START>\n{{char}}: Pay up.",
            "tags": self._text.words(maker, 2),
            "extensions": {
                "depth_prompt": {"depth": 4, "prompt": ""},
                "talkativeness": 0.5,
                "a.b": 1,
                "$odd": True,
            },
            "custom": {"nested": [1, 1.5, None, True, "text"]},
        }

    def personas(self, number: int) -> Document:
        """Whom a user plays."""
        maker, user, user_id, at, head = self._start("personas", number)
        return {
            **head,
            "userId": user_id,
            "name": self._text.name(maker),
            "title": self._text.phrase(maker) if number % 2 else None,
            "description": self._text.text(maker, 6),
            "personalityTraits": self._text.phrase(maker),
            "avatarUrl": None,
            "defaultImageId": self._file_of(user, number) if number % 4 == 0 else None,
            "sillyTavernData": None,
            "characterLinks": [],
            "tags": [self._id_of("tags", user, number)],
            "physicalDescriptions": [],
            "createdAt": iso(at),
            "updatedAt": iso(at),
        }

    def _messages(self, number: int) -> int:
        return self._seeds.random("length", number).randint(*MESSAGES)

    def chats(self, number: int) -> Document:
        """A chat of one character and one persona; its messages are in `chat_messages`."""
        maker, user, user_id, at, head = self._start("chats", number)
        begun = iso(at)
        blank = {"characterId": None, "personaId": None, "connectionProfileId": None}
        character = {
            "characterId": self._id_of("characters", user, number // self._layout.users),
            "connectionProfileId": self._id_of("connection_profiles", user, 0),
        }
        sides: list[tuple[str, dict[str, str]]] = [("CHARACTER", character)]
        if number % 2:
            sides.append(("PERSONA", {"personaId": self._id_of("personas", user, number)}))
        participants = [
            {
                "id": self._seeds.id(f"chats.{kind}", number),
                "type": kind,
                **blank,
                **own,
                "imageProfileId": None,
                "systemPromptOverride": None,
                "displayOrder": order,
                "isActive": True,
                "createdAt": begun,
                "updatedAt": begun,
            }
            for order, (kind, own) in enumerate(sides)
        ]
        document = {
            **head,
            "userId": user_id,
            "participants": participants,
            "title": self._text.phrase(maker),
            "contextSummary": self._text.phrase(maker) if number % 5 == 0 else None,
            "tags": [self._id_of("tags", user, number)],
            "messageCount": self._messages(number),
            "lastMessageAt": iso(at + 60),
            "lastRenameCheckInterchange": 3,
            "createdAt": begun,
            "updatedAt": iso(at + 60),
        }
        if number % 20 == 7:
            variables = {"debt": 12.5}
            document["sillyTavernMetadata"] = {"note_prompt": "fog", "note_depth": 4, "variables": variables}
        return document

    def chat_messages(self, number: int) -> Document:
        """All the messages of one chat; without `id`, as the application stores it."""
        maker = self._seeds.random("chat_messages", number)
        at = self._seeds.when("chats", number)
        user = self._layout.owner(number)
        messages = [
            self._message(maker, number, place, at + 4.321 * place, user)
            for place in range(self._messages(number))
        ]
        return {
            "_id": self._seeds.object_id("chat_messages", number, at),
            "chatId": self._seeds.id("chats", number),
            "messages": messages,
            "createdAt": iso(at),
            "updatedAt": iso(at + 60),
        }

    def _message(self, maker: random.Random, chat: int, place: int, at: float, user: int) -> Document:
        role = "SYSTEM" if place == 0 else ("USER" if place % 2 else "ASSISTANT")
        attached = [self._file_of(user, chat)] if place == 1 and chat % 12 == 0 else []
        message: Document = {
            "type": "message",
            "id": self._seeds.id("message", chat * 64 + place),
            "role": role,
            "content": self._text.text(maker, maker.randint(2, 8)),
            "attachments": attached,
            "createdAt": iso(at),
            "rawResponse": None,
        }
        if role == "ASSISTANT":
            message |= {"tokenCount": maker.randrange(5, 900), "swipeGroupId": None, "swipeIndex": None}
            if chat % 40 == 0:
                message |= {"swipeGroupId": f"swipe-{place}", "swipeIndex": place % 3}
                nested = {"arr": [1, 2.5, None], "f": 0.1}
                message["rawResponse"] = {"model": "llama3.2:3b", "gen_id": 1e15, "nested": nested}
                message["debugMemoryLogs"] = [f"[Memory] Created: {self._text.phrase(maker)}"]
        return message

    def _core(self, number: int) -> tuple[str, str, list[float], str]:
        """What a memory and its entry in the vector index share: id, summary, embedding, creation."""
        maker = self._seeds.random("core", number)
        draw = maker.random
        return (
            self._seeds.id("memories", number),
            self._text.phrase(maker),
            [draw() - 0.5 for _ in range(DIMENSIONS)],
            iso(self._seeds.when("memories", number)),
        )

    def memories(self, number: int) -> Document:
        """A memory of a character; importance is a double or an int, and there is no `userId`."""
        maker = self._seeds.random("memories", number)
        character = number % self._layout.counts["characters"]
        user = self._layout.owner(character)
        own_id, summary, embedding, created = self._core(number)
        automatic = number % 5 != 0
        importance: float = 1 if number % 9 == 4 else maker.random()
        return {
            "_id": self._seeds.object_id("memories", number, self._seeds.when("memories", number)),
            "id": own_id,
            "characterId": self._seeds.id("characters", character),
            "personaId": self._id_of("personas", user, number) if number % 2 else None,
            "chatId": self._id_of("chats", user, number),
            "content": self._text.phrase(maker),
            "summary": summary,
            "keywords": self._text.words(maker, 2),
            "tags": [],
            "importance": importance,
            "embedding": embedding,
            "source": "AUTO" if automatic else "MANUAL",
            "sourceMessageId": None,
            "createdAt": created,
            "updatedAt": created,
        }

    def vector_indices(self, number: int) -> Document:
        """The vectors of one character's memories, whose `id` is the character's."""
        characters = self._layout.counts["characters"]
        mine = range(number, self._layout.counts["memories"], characters)[:INDEXED_MEMORIES]
        character = self._seeds.id("characters", number)
        at = self._seeds.when("characters", number)
        entries = []
        for memory in mine:
            memory_id, summary, embedding, created = self._core(memory)
            metadata = {"memoryId": memory_id, "characterId": character, "content": summary}
            entries.append(
                {"id": memory_id, "embedding": embedding, "metadata": metadata, "createdAt": created}
            )
        return {
            "_id": self._seeds.object_id("vector_indices", number, at),
            "characterId": character,
            "createdAt": iso(at),
            "dimensions": DIMENSIONS,
            "entries": entries,
            "id": character,
            "updatedAt": iso(at + 60),
            "version": 1,
        }
