"""How the application's documents refer to each other by string ids, and what it means when the other end is gone.

What is left dangling in normal life was read in the source of version 1.8.5: deleting a tag, persona, profile,
key, chat, chat file or memory removes that document alone; deleting a character removes its memories and its
vector index too, and its chats only where the user asks for it; deleting a chat removes its messages; a picture
that is somebody's avatar cannot be deleted, and one uploaded anew after its object was lost has another id;
nothing deletes a user.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Gone = Literal["fail", "warn", "left"]
"""What a reference to nothing means: data was lost; the application fails at it; or it is left in normal life."""


class Reference(msgspec.Struct, frozen=True):
    """`path` in `collection` (dots for fields, `[]` for each element, `{}` for each field's name) holds an id of `target`.

    `gone` is what it means when there is no such document, `why` the reason: for `fail` and `warn` what the
    application does then, for `left` what leaves it.
    """

    collection: str
    path: str
    target: str
    target_field: str = "id"
    gone: Gone = "left"
    why: str = ""


_NOBODY = "nothing in the application deletes a user, and what is nobody's is shown to nobody"
_TAG = "deleting a tag leaves its id in what carried it; the id is skipped"
_KEY = "deleting a key leaves its profiles; whoever talks through one has no key then"
_PICTURE = "a picture in use cannot be deleted, so it was lost, or uploaded anew after its object was lost"
_PERSONA = "deleting a persona leaves its id; the chat goes on without it"

REFERENCES = (
    Reference("accounts", "userId", "users", gone="left", why="without its user an account lets nobody in"),
    Reference("sessions", "userId", "users", gone="left", why="without its user a log-in lets nobody in"),
    Reference("chat_settings", "userId", "users", gone="left", why="settings that nobody reads do no harm"),
    Reference("chats", "userId", "users", gone="fail", why=_NOBODY),
    Reference(
        "chats",
        "participants[].characterId",
        "characters",
        gone="warn",
        why="deleting a character may leave its chats; they can be read but not continued",
    ),
    Reference("chats", "participants[].personaId", "personas", gone="left", why=_PERSONA),
    Reference(
        "chats",
        "participants[].connectionProfileId",
        "connection_profiles",
        gone="warn",
        why="deleting a profile leaves its chats; they cannot be continued until another is chosen",
    ),
    Reference(
        "chats",
        "participants[].imageProfileId",
        "image_profiles",
        gone="left",
        why="deleting an image profile leaves its id; the chat goes on without pictures",
    ),
    Reference("chats", "tags[]", "tags", gone="left", why=_TAG),
    Reference(
        "chat_messages",
        "chatId",
        "chats",
        gone="fail",
        why="deleting a chat deletes its messages; messages alone are shown to nobody",
    ),
    Reference(
        "chat_messages",
        "messages[].attachments[]",
        "files",
        gone="left",
        why="deleting a chat's file leaves its id in the message, which is shown without it",
    ),
    Reference("characters", "userId", "users", gone="fail", why=_NOBODY),
    Reference(
        "characters",
        "defaultImageId",
        "files",
        gone="fail",
        why=f"{_PICTURE}; the character is shown without its avatar",
    ),
    Reference(
        "characters",
        "defaultConnectionProfileId",
        "connection_profiles",
        gone="left",
        why="deleting a profile leaves it as a default; a new chat asks for another",
    ),
    Reference("characters", "personaLinks[].personaId", "personas", gone="left", why=_PERSONA),
    Reference(
        "characters",
        "avatarOverrides[].chatId",
        "chats",
        gone="left",
        why="deleting a chat leaves the avatar that was chosen for it",
    ),
    Reference(
        "characters",
        "avatarOverrides[].imageId",
        "files",
        gone="fail",
        why=f"{_PICTURE}; the chat shows no avatar",
    ),
    Reference("characters", "tags[]", "tags", gone="left", why=_TAG),
    Reference("personas", "userId", "users", gone="fail", why=_NOBODY),
    Reference(
        "personas",
        "defaultImageId",
        "files",
        gone="fail",
        why=f"{_PICTURE}; the persona is shown without its avatar",
    ),
    Reference(
        "personas",
        "characterLinks[]",
        "characters",
        gone="left",
        why="deleting a character leaves its id in the personas linked to it",
    ),
    Reference("personas", "tags[]", "tags", gone="left", why=_TAG),
    Reference("tags", "userId", "users", gone="fail", why=_NOBODY),
    Reference(
        "chat_settings",
        "tagStyles.{}",
        "tags",
        gone="left",
        why="deleting a tag leaves how it looked",
    ),
    Reference(
        "chat_settings",
        "cheapLLMSettings.userDefinedProfileId",
        "connection_profiles",
        gone="left",
        why="deleting a profile leaves it in the settings, which then do without",
    ),
    Reference(
        "chat_settings",
        "cheapLLMSettings.defaultCheapProfileId",
        "connection_profiles",
        gone="left",
        why="deleting a profile leaves it in the settings, which then do without",
    ),
    Reference(
        "chat_settings",
        "cheapLLMSettings.embeddingProfileId",
        "embedding_profiles",
        gone="left",
        why="deleting a profile leaves it in the settings, which then do without",
    ),
    Reference(
        "chat_settings",
        "imageDescriptionProfileId",
        "connection_profiles",
        gone="left",
        why="deleting a profile leaves it in the settings, which then do without",
    ),
    Reference(
        "memories",
        "characterId",
        "characters",
        gone="fail",
        why="deleting a character deletes its memories; memories of nobody are never found",
    ),
    Reference("memories", "personaId", "personas", gone="left", why=_PERSONA),
    Reference(
        "memories", "chatId", "chats", gone="left", why="deleting a chat leaves what was remembered of it"
    ),
    Reference("memories", "tags[]", "tags", gone="left", why=_TAG),
    Reference(
        "vector_indices",
        "characterId",
        "characters",
        gone="fail",
        why="deleting a character deletes its vectors; vectors of nobody are never searched",
    ),
    Reference(
        "vector_indices",
        "entries[].id",
        "memories",
        gone="left",
        why="deleting a memory leaves its vector, which is skipped when it is found",
    ),
    Reference("connection_profiles", "userId", "users", gone="fail", why=_NOBODY),
    Reference("connection_profiles", "apiKeyId", "api_keys", gone="warn", why=_KEY),
    Reference("connection_profiles", "tags[]", "tags", gone="left", why=_TAG),
    Reference("embedding_profiles", "userId", "users", gone="fail", why=_NOBODY),
    Reference("embedding_profiles", "apiKeyId", "api_keys", gone="warn", why=_KEY),
    Reference("embedding_profiles", "tags[]", "tags", gone="left", why=_TAG),
    Reference("image_profiles", "userId", "users", gone="fail", why=_NOBODY),
    Reference("image_profiles", "apiKeyId", "api_keys", gone="warn", why=_KEY),
    Reference("image_profiles", "tags[]", "tags", gone="left", why=_TAG),
    Reference("files", "userId", "users", gone="fail", why=_NOBODY),
)
"""Every reference between documents; an absent field, null and an empty list refer to nothing.

Not among them, since their other end tells nothing: `memories.sourceMessageId` (messages are deleted from under
it every day), `files.linkedTo[]` (ids of messages, chats, characters and personas alike) and `files.tags[]`
(of characters as well as of tags).
"""
