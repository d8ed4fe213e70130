"""What the looks of Collections answer for the recorded deployment: its counts, and what a validation found in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.catalog.scan import Catalog
from services.findings import Finding
from services.jobs.events import AnyEvent, Finished
from services.looking.collections import CollectionLive, CollectionsAnswer, IndexNow
from services.looking.collections_held import (
    BackupKept,
    CollectionKept,
    CollectionsHeldAnswer,
    CountsAt,
    PairsSeen,
    Validation,
)
from services.looking.contents import ContentsAnswer
from services.looking.document import DocumentAnswer, DocumentRequest, DocumentSeen, FieldSeen
from services.looking.documents import DocumentRow, DocumentsAnswer, DocumentsRequest
from services.looking.live import LiveAnswer
from services.operations.diff_model import (
    CollectionDiff,
    DiffResult,
    DocumentDiff,
    DocumentsDiff,
    FieldChange,
    Held,
    SideSeen,
)
from services.validating.model import CollectionValidated
from tests.pictures import recording

ID_INDEX = IndexNow(name="_id_", keys="_id 1", form="id", bytes=8_192)
BY_NAME = IndexNow(name="by_name", keys="name 1 (unique)", form="name", bytes=16_384)
NOT_UNIQUE = IndexNow(name="by_name", keys="name 1", form="name, not unique", bytes=16_384)
DANGLING = Finding(
    kind="dangling-reference",
    status="fail",
    what="3 chats name characters that do not exist.",
    collection="chats",
    user="5b1f0b6c-0d6e-4f6c-9f54-0e5f6a7b8c9d",
    count=3,
    examples=("5f1c2d3e-0001-4000-8000-0123456789ab", "5f1c2d3e-0002-4000-8000-0123456789ab"),
    good_in="quilltap_20261122_020000",
    restore=("characters",),
    next="Restore characters from quilltap_20261122_020000: it has all three.",
)
GROWING = Finding(
    kind="document-limit",
    status="warn",
    what="1 document has over 12 MiB of the 16 MiB that a document may have.",
    collection="chat_messages",
    examples=("5f1c2d3e-0003-4000-8000-0123456789ab",),
    next="End that chat and begin a new one: at 16 MiB no message can be added.",
)
UNREAD = Finding(
    kind="not-validated",
    status="unknown",
    what="The server could not validate it: no permission.",
    collection="users",
    next="Grant the right: db.grantRolesToUser('quilltap', ['dbAdmin'])",
)
MISSING = Finding(
    kind="missing-object",
    status="fail",
    what="2 files have no object in the bucket.",
    collection="files",
    count=2,
    examples=("users/5b1f0b6c/IMAGE/2b9d_lighthouse.png", "users/5b1f0b6c/IMAGE/77aa_map.webp"),
    good_in="quilltap_20261123_020000",
    next="Restore the objects: quillkeep restore quilltap_20261123_020000 --only objects",
)


def live_answer(*more: CollectionLive, without: tuple[str, ...] = ()) -> CollectionsAnswer:
    """The recorded live database; `more` replace or join its collections."""
    recorded: LiveAnswer = recording.look("live")
    found = {
        one.name: CollectionLive(
            name=one.name,
            kind=one.kind,
            documents=one.documents,
            bytes=one.bytes,
            storage_bytes=(one.bytes or 0) // 3 + 4_096,
            index_bytes=one.index_bytes,
            average=(one.bytes or 0) // max(1, one.documents or 1),
            indexes=(ID_INDEX, BY_NAME) if one.indexes and one.indexes > 1 else (ID_INDEX,),
        )
        for one in recorded.collections
        if one.name not in without
    }
    found |= {one.name: one for one in more}
    return CollectionsAnswer(
        server="db1.example.org:27017",
        database="quilltap",
        version="6.0.5",
        collections=tuple(found[name] for name in sorted(found)),
    )


def held_answer(**more: Any) -> CollectionsHeldAnswer:
    """The recorded backups, every collection validated without a finding."""
    contents: ContentsAnswer = recording.look("contents")
    catalog: Catalog = recording.look("catalog")
    ours = [backup for backup in catalog.backups if backup.ours]
    kept = {
        one.name: CollectionKept(
            kind=one.kind,
            documents=one.documents,
            bytes=one.bytes,
            indexes=(ID_INDEX, BY_NAME),
        )
        for one in contents.collections
    }
    backups = [
        BackupKept(id=one.id, reference=one.id, created=one.created, location=one.location, collections=kept)
        for one in ours
    ]
    trend = tuple(
        CountsAt(
            id=one.id,
            at=one.created,
            documents={
                name: max(0, (held.documents or 0) * (20 - place) // 20) for name, held in kept.items()
            },
        )
        for place, one in reversed(list(enumerate(ours)))
    )
    fields: dict[str, Any] = {
        "newest": backups[0],
        "before": backups[1],
        "trend": trend,
        "validated": {name: validation(name) for name in kept},
    }
    return CollectionsHeldAnswer(**{**fields, **more})


def validation(
    name: str, *findings: Finding, status: Any = "ok", full: bool = False, **more: Any
) -> Validation:
    """One collection's verdict, of this morning."""
    at: datetime = recording.now() - timedelta(hours=2)
    seen = CollectionValidated(name=name, status=status, findings=findings, largest=412_345)
    return Validation(job="20261123_111800", at=at, full=full, seen=seen, **more)


def broken_live() -> CollectionsAnswer:
    """One collection gone, one that fell, one that nobody knows, and an index that was made otherwise."""
    return live_answer(
        CollectionLive(
            name="memories",
            documents=1_204,
            bytes=1_301_332,
            storage_bytes=440_000,
            index_bytes=40_960,
            average=1_080,
            indexes=(
                ID_INDEX,
                NOT_UNIQUE,
                IndexNow(name="by_hand", keys="chatId 1", form="hand", bytes=8_192),
            ),
        ),
        CollectionLive(
            name="notes_2019",
            documents=12,
            bytes=4_096,
            storage_bytes=8_192,
            index_bytes=8_192,
            indexes=(ID_INDEX,),
        ),
        without=("tags",),
    )


def broken_held() -> CollectionsHeldAnswer:
    """Findings of every status, and a pair check."""
    held = held_answer()
    found = {
        "chats": validation("chats", DANGLING, status="fail", full=True),
        "chat_messages": validation("chat_messages", GROWING, status="warn"),
        "users": validation("users", UNREAD, status="unknown"),
        "sessions": validation("sessions", replaced=True),
    }
    pairs = PairsSeen(
        job="20261123_112000",
        at=recording.now() - timedelta(hours=1),
        status="fail",
        depth="shallow",
        summary="94 rows, 92 objects: 2 missing",
        findings=(MISSING,),
    )
    verdicts = {name: one for name, one in held.validated.items() if name != "memories"}
    return held_answer(validated={**verdicts, **found}, pairs=pairs)


def documents_answer(request: DocumentsRequest) -> DocumentsAnswer:
    """Two pages of chats."""
    first, count = (100, 31) if request.after else (0, 100)
    rows = [
        DocumentRow(
            key=f'{{"_id": {{"$oid": "{number:024x}"}}}}',
            id=f"{number:024x}",
            own=f"5f1c2d3e-{number:04d}-4000-8000-0123456789ab",
            name=("The lighthouse at Cabo Raso", "A map of the harbour", "海の物語")[number % 3],
            updated=f"2026-11-{number % 28 + 1:02d}T08:14:09.123Z",
        )
        for number in range(first, first + count)
    ]
    found = tuple(row for row in rows if request.find in row.own or request.find in row.id)
    return DocumentsAnswer(
        collection=request.collection, rows=found, more=not request.after and not request.find
    )


def document_answer(request: DocumentRequest) -> DocumentAnswer:
    """A chat, and beside it the backup's, in which two fields differ."""
    lines = (
        "_id: ObjectId 000000000000000000000000",
        'id: "5f1c2d3e-0000-4000-8000-0123456789ab"',
        'title: "The lighthouse at Cabo Raso"',
        "participants: (1 item)",
        "  [0]",
        '    type: "CHARACTER"',
        '    characterId: "c0ffee00-0001-4000-8000-0123456789ab"',
        "    isActive: true",
        "messageCount: 41",
        "apiKey: (not shown)",
    )
    live = DocumentSeen(bytes=2_311, lines=lines, hidden=1)
    if not request.backup:
        return DocumentAnswer(id="000000000000000000000000", live=live)
    kept = tuple(line.replace("41", "38").replace("Cabo Raso", "Cabo da Roca") for line in lines)
    return DocumentAnswer(
        id="000000000000000000000000",
        live=live,
        kept=DocumentSeen(bytes=2_309, lines=kept, hidden=1),
        backup=request.backup,
        fields=(
            FieldSeen(
                path="title", live='"The lighthouse at Cabo Raso"', kept='"The lighthouse at Cabo da Roca"'
            ),
            FieldSeen(path="messageCount", live="41", kept="38"),
            FieldSeen(path="apiKey", secret=True),
        ),
    )


def diff_journal() -> list[AnyEvent]:
    """A comparison of chats by document, as its job ended."""
    fields = (
        FieldChange(path="title", a='"The lighthouse at Cabo da Roca"', b='"The lighthouse at Cabo Raso"'),
        FieldChange(path="messageCount", a="38", b="41"),
        FieldChange(path="sillyTavernMetadata.apiKey", secret=True),
        FieldChange(path="tags[2]", kind="added", b='"4c1d0000-0000-4000-8000-0123456789ab"'),
    )
    examples = (
        DocumentDiff(
            id='{"$oid": "6aa7ece596e704a32547fb79"}',
            own_id=DANGLING.examples[0],
            state="changed",
            fields=fields,
        ),
        DocumentDiff(
            id='{"$oid": "6aa7ece596e704a32547fb80"}',
            own_id=DANGLING.examples[1],
            state="changed",
            fields=fields[1:2],
        ),
        *(
            DocumentDiff(
                id=f'{{"$oid": "6ab7ece596e704a32547fb8{n}"}}',
                own_id=f"7a1c{n}d3e-0001-4000-8000-0123456789ab",
                state="added",
            )
            for n in range(4)
        ),
    )
    held = Held(documents=427, bytes=408_359, content="0123456789abcdef")
    row = CollectionDiff(
        name="chats",
        state="differs",
        a=held,
        b=Held(documents=431, bytes=412_345, content="fedcba9876543210"),
        documents=DocumentsDiff(added=4, changed=2, same=425, examples=examples),
    )
    at = recording.now()
    newest = held_answer().newest
    assert newest is not None
    document = DiffResult(
        status="warnings",
        verdict="differs",
        same=False,
        a=SideSeen(id=newest.id, created="2026-11-23T02:00:00Z", location="nas", database="quilltap"),
        b=SideSeen(id="live", live=True, created="2026-11-23T13:20:00Z", database="quilltap"),
        collections=(row,),
    )
    return [Finished(at=at, status="warnings", exit_code=3, result=msgspec.to_builtins(document))]


def looks(live: Any = None, held: Any = None) -> dict[str, Any]:
    """All looks of the mode."""
    return {
        "collections": live if live is not None else live_answer(),
        "collections_held": held if held is not None else held_answer(),
        "documents": documents_answer,
        "document": document_answer,
    }
