"""The application's shape of its documents: which types its known fields may have.

Source: the schemas of version 1.8.5, by which it reads every document back, and documents of a running one. A field
that is not there is no fault but for those by which a document is found, and fields that are not here are never
looked at: other versions have others.
"""

from __future__ import annotations

from services.references.walker import BOOLEAN, DATE, DOUBLE, INT32, INT64, NULL, Field

_STRING, _OBJECT, _ARRAY, _UNDEFINED = 2, 3, 4, 6
_KINDS: dict[str, frozenset[int]] = {
    "text": frozenset({_STRING}),
    "date": frozenset({_STRING, DATE}),
    "number": frozenset({DOUBLE, INT32, INT64}),
    "flag": frozenset({BOOLEAN}),
    "object": frozenset({_OBJECT}),
    "list": frozenset({_ARRAY}),
}
_NONE = frozenset({NULL, _UNDEFINED})
TYPE_WORDS = {
    1: "a number",
    2: "text",
    3: "an object",
    4: "a list",
    5: "binary data",
    6: "undefined",
    7: "an ObjectId",
    8: "true or false",
    9: "a date",
    10: "null",
    11: "a regular expression",
    13: "code",
    14: "a symbol",
    15: "code",
    16: "a whole number",
    17: "a timestamp",
    18: "a whole number",
    19: "a decimal number",
    127: "a MaxKey",
    255: "a MinKey",
}
_DATES = "createdAt:date updatedAt:date"
_PROFILE = f"userId:text name:text provider:text apiKeyId:text? baseUrl:text? modelName:text parameters:object isDefault:flag tags:texts {_DATES}"
_DESCRIPTIONS = (
    "physicalDescriptions:list physicalDescriptions[]:object physicalDescriptions[].id:text "
    "physicalDescriptions[].name:text physicalDescriptions[].shortPrompt:text? physicalDescriptions[].mediumPrompt:text? "
    "physicalDescriptions[].longPrompt:text? physicalDescriptions[].completePrompt:text? "
    "physicalDescriptions[].fullDescription:text? physicalDescriptions[].createdAt:date physicalDescriptions[].updatedAt:date"
)
SHAPES: dict[str, str] = {
    "users": "email:text name:text? image:text? emailVerified:date? passwordHash:text? totp:object totp.ciphertext:text "
    "totp.iv:text totp.authTag:text totp.enabled:flag totp.verifiedAt:date? backupCodes:object "
    f"backupCodes.ciphertext:text backupCodes.iv:text backupCodes.authTag:text backupCodes.createdAt:date {_DATES}",
    "accounts": "userId:text type:text provider:text providerAccountId:text refresh_token:text? access_token:text? "
    f"expires_at:number? token_type:text? scope:text? id_token:text? session_state:text? {_DATES}",
    "sessions": f"sessionToken:text userId:text expires:date {_DATES}",
    "verification_tokens": f"identifier:text token:text expires:date {_DATES}",
    "api_keys": "label:text provider:text ciphertext:text iv:text authTag:text isActive:flag lastUsed:date? "
    f"userId:text? {_DATES}",
    "chat_settings": "userId:text avatarDisplayMode:text avatarDisplayStyle:text tagStyles:object cheapLLMSettings:object "
    "cheapLLMSettings.strategy:text cheapLLMSettings.userDefinedProfileId:text? "
    "cheapLLMSettings.fallbackToLocal:flag cheapLLMSettings.embeddingProvider:text "
    f"cheapLLMSettings.embeddingProfileId:text? imageDescriptionProfileId:text? {_DATES}",
    "chats": "userId:text participants:list participants[]:object participants[].id:text participants[].type:text "
    "participants[].characterId:text? participants[].personaId:text? participants[].connectionProfileId:text? "
    "participants[].imageProfileId:text? participants[].systemPromptOverride:text? participants[].displayOrder:number "
    "participants[].isActive:flag participants[].createdAt:date participants[].updatedAt:date title:text "
    "contextSummary:text? sillyTavernMetadata:object? tags:texts messageCount:number lastMessageAt:date? "
    f"lastRenameCheckInterchange:number {_DATES}",
    "chat_messages": "chatId:text messages:list messages[]:object messages[].type:text messages[].id:text "
    "messages[].role:text messages[].content:text messages[].context:text messages[].attachments:texts "
    "messages[].createdAt:date messages[].rawResponse:object? messages[].tokenCount:number? "
    f"messages[].swipeGroupId:text? messages[].swipeIndex:number? messages[].debugMemoryLogs:texts {_DATES}",
    "characters": "userId:text name:text title:text? description:text? personality:text? scenario:text? "
    "firstMessage:text? exampleDialogues:text? systemPrompt:text? avatarUrl:text? defaultImageId:text? "
    "defaultConnectionProfileId:text? sillyTavernData:object? isFavorite:flag personaLinks:list "
    "personaLinks[]:object personaLinks[].personaId:text personaLinks[].isDefault:flag tags:texts "
    "avatarOverrides:list avatarOverrides[]:object avatarOverrides[].chatId:text avatarOverrides[].imageId:text "
    f"{_DESCRIPTIONS} {_DATES}",
    "personas": "userId:text name:text title:text? description:text personalityTraits:text? avatarUrl:text? "
    f"defaultImageId:text? sillyTavernData:object? characterLinks:texts tags:texts {_DESCRIPTIONS} {_DATES}",
    "tags": f"userId:text name:text nameLower:text quickHide:flag {_DATES}",
    "memories": "characterId:text personaId:text? chatId:text? content:text summary:text keywords:texts tags:texts "
    f"importance:number embedding:list? source:text sourceMessageId:text? lastAccessedAt:date? {_DATES}",
    "vector_indices": "characterId:text version:number dimensions:number entries:list entries[]:object "
    "entries[].id:text entries[].embedding:list entries[].metadata:object entries[].metadata.memoryId:text "
    f"entries[].metadata.characterId:text entries[].createdAt:date {_DATES}",
    "connection_profiles": f"{_PROFILE} isCheap:flag allowWebSearch:flag",
    "embedding_profiles": f"{_PROFILE} dimensions:number?",
    "image_profiles": _PROFILE,
    "files": "userId:text sha256:text originalFilename:text mimeType:text size:number width:number? height:number? "
    "linkedTo:texts source:text category:text generationPrompt:text? generationModel:text? "
    f"generationRevisedPrompt:text? description:text? tags:texts s3Key:text? s3Bucket:text? {_DATES}",
    "migrations_state": "completedMigrations:list completedMigrations[]:object completedMigrations[].id:text "
    "completedMigrations[].completedAt:date lastChecked:date quilltapVersion:text",
}
"""`path:kind` of every known field by collection; `?` may be null, `texts` is a list of text."""
NO_ID = frozenset({"accounts", "verification_tokens", "chat_messages", "migrations_state"})
"""Collections whose documents have no `id` of their own."""
NEEDED = {
    "users": ("email",),
    "accounts": ("userId",),
    "sessions": ("sessionToken", "userId"),
    "chat_settings": ("userId",),
    "chats": ("userId",),
    "chat_messages": ("chatId",),
    "characters": ("userId",),
    "personas": ("userId",),
    "tags": ("userId",),
    "memories": ("characterId",),
    "vector_indices": ("characterId",),
    "connection_profiles": ("userId",),
    "embedding_profiles": ("userId",),
    "image_profiles": ("userId",),
    "files": ("userId",),
}
"""Fields by which the application finds a document: without them nobody ever sees it."""
UNIQUE = (
    ("users", "email"),
    ("sessions", "sessionToken"),
    ("chat_messages", "chatId"),
    *((name, "id") for name in SHAPES if name not in NO_ID),
)
"""(collection, field) of which the application takes the first document it finds."""


def add_shape(root: Field, collection: str) -> None:
    """Puts a known collection's types and needed fields into a tree of what to walk."""
    words = SHAPES[collection] + ("" if collection in NO_ID else " id:text")
    for word in words.split():
        path, _, kind = word.partition(":")
        if kind == "texts":
            root.at(path).types = _KINDS["list"]
            root.at(f"{path}[]").types = _KINDS["text"]
            continue
        field = root.at(path)
        types = _KINDS[kind.rstrip("?")]
        field.types = types | _NONE if kind.endswith("?") else types
        field.date = kind.startswith("date")
    needed = NEEDED.get(collection, ())
    root.required = frozenset(name.encode() for name in (*needed, *(() if collection in NO_ID else ("id",))))
