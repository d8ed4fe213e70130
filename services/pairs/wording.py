"""The sentence and the next step of each kind of finding of a pair check."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from services.catalog.naming import printable
from services.counted import by_number, counted
from services.findings import Finding
from services.pairs.groups import Group, finding, restore_command
from services.pairs.model import LIVE
from services.pairs.origin import WORDS, Origin
from services.pairs.usage import Usage
from services.validating.way_back import way_back

SHOWN_PLACES = 3
NO_BACKUP = (
    "No backup in the locations has these bytes. Look for the originals: a chat file that is uploaded again is "
    "not stored while its row stands, a picture that is uploaded again becomes another file."
)
_ORIGINS: dict[str, Origin] = {f"orphan-{origin}": origin for origin in WORDS}


def keys_back(good: Mapping[str, int], count: int) -> str:
    """The next step for rows whose bytes lie under another key; `good` counts those that each backup has right."""
    by_hand = "set `s3Key` of the row in `files` to the key of the object that has its bytes."
    if not good:
        return f"No good backup that was looked into has {by_number(count, 'the row', 'these rows')} with that key: {by_hand}"
    best = max(good, key=lambda id: good[id])
    part = (
        f" It has {good[best]:,} of these {count:,} keys; for others, {by_hand}" if good[best] < count else ""
    )
    return f"{way_back(best, 'files')}{part}"


class Wording:
    """Words for one comparison: `rows_of` and `objects_of` are `live` or ids, `where` the objects in words."""

    def __init__(self, rows_of: str, objects_of: str, where: str, usage: Usage | None) -> None:
        self.rows_of, self.objects_of, self.where = rows_of, objects_of, where
        self._users = usage.users if usage else {}

    def finding(self, group: Group) -> Finding:
        """A group as an admin reads it."""
        if group.kind in _ORIGINS or group.kind == "newer-object":
            return self._orphans(group)
        number, who, has = group.count, self._who(group), by_number(group.count, "has", "have")
        files, rows, objects = (counted(number, word) for word in ("files", "rows", "objects"))
        why = f": {group.why}" if group.why else ""
        used = self._used(group)
        if group.kind == "missing-object":
            return finding(
                group, f"{files}{who} {has} no object in {self.where}{why}{used}", self._back(group)
            )
        if group.kind == "lost-object":
            return finding(
                group,
                f"{files}{who} {has} no object in {self.where}; accepted as lost{used}",
                "They were accepted as lost; their rows stay until somebody deletes them in the application.",
            )
        if group.kind == "newer-row":
            return finding(
                group,
                f"{files}{who} {by_number(number, 'was', 'were')} written after {self.objects_of} was made, "
                f"and {self.where} {by_number(number, 'has it', 'have them')} not",
                self._back(group),
            )
        if group.kind == "changed-key":
            text = f"{rows}{who} {by_number(number, 'names', 'name')} a key that has not {by_number(number, 'its', 'their')} bytes{why}{used}"
            return finding(group, text, self._keys_back(group), restore=("files",) if group.best else ())
        if group.kind == "removed-key":
            text = f"{rows}{who} without an s3Key, whose bytes are in {self.where} all the same{why}"
            return finding(group, text, self._keys_back(group), restore=("files",) if group.best else ())
        if group.kind == "altered-object":
            is_not = by_number(number, "is not what its row says", "are not what their rows say")
            return finding(group, f"{objects}{who} {is_not}{why}{used}", self._back(group))
        if group.kind == "content-type":
            text = f"{objects}{who} {has} another content type than {by_number(number, 'its row', 'their rows')}{why}"
            return finding(
                group, text, "The application serves the type in its row; other readers of the bucket do not."
            )
        if group.kind == "metadata-sha256":
            text = (
                f"{objects}{who} {has} the right bytes, but metadata that "
                f"{by_number(number, 'names', 'name')} another sha256{why}"
            )
            return finding(
                group, text, "Nothing is lost, and the application never reads that metadata: nothing to do."
            )
        if group.kind == "unread-sha256":
            text = f"{objects}{who} {has} metadata that {by_number(number, 'names', 'name')} another sha256 than "
            text += f"{by_number(number, 'its row', 'their rows')}{why}"
            step = "Only the bytes tell whether they are right: `"
            return finding(group, f"{text}; no bytes were read", f"{step}{self._deeper()}` reads them.")
        if group.kind == "other-user":
            text = f"{rows}{who} {has} a key that names another user"
            return finding(
                group,
                text,
                "A copy of rows or objects between users does this: compare `userId` with the key.",
            )
        if group.kind == "shared-key":
            text = f"{counted(number, 'objects')} {has} more than one row{why}"
            step = "Deleting one of these rows in the application deletes the bytes of the others: keep one row of each."
            return finding(group, text, step)
        if group.kind == "odd-row":
            text = f"{rows}{who} of types that the application does not write{why}"
            return finding(
                group, text, "Correct the field in `files`, or restore the collection from a good backup."
            )
        if group.kind == "outside-prefix":
            text = (
                f"{rows} point outside S3_PATH_PREFIX: the application reads "
                f"{by_number(number, 'that object', 'those objects')}, but no backup takes them"
            )
            return finding(
                group, text, "Correct S3_PATH_PREFIX, or copy the objects below it and change their rows."
            )
        if group.kind == "unread-object":
            return finding(
                group,
                f"{objects} could not be looked at{why}",
                "Give the keys the right to read them, or look at the S3 server, then run it again.",
            )
        return finding(
            group,
            f"{counted(number, 'pairs')} could not be proven: {by_number(number, 'its row knows', 'their rows know')} no sha256",
            "Nothing says what these bytes should be.",
        )

    def _deeper(self) -> str:
        rows = "" if self.rows_of == LIVE else f" {shlex.quote(self.rows_of)}"
        others = f" --objects {shlex.quote(self.objects_of)}" if self.objects_of != self.rows_of else ""
        return f"quillkeep pairs{rows}{others} --deep"

    def _orphans(self, group: Group) -> Finding:
        origin = _ORIGINS.get(group.kind)
        told = WORDS[origin] if origin else f"put there after {self.rows_of} was made"
        why = f" ({group.why})" if group.why else ""
        text = f"{counted(group.count, 'objects')}{self._who(group)} without a row, {counted(group.bytes, 'bytes')}: {told}{why}"
        step = "Nothing shows them: they only take space, and Quillkeep deletes no object. "
        if best := group.best:
            have = by_number(group.count, "the row", f"rows of {group.good[best]:,}")
            step += f"{best} still has {have}: when {by_number(group.count, 'it', 'they')} should be there, "
            step += way_back(best, "files")
            return finding(group, text, step, collection="", restore=("files",))
        if origin == "upload":
            step += "When rows are gone that should be there, `quillkeep diff latest live` names them."
        return finding(group, text, step.strip(), collection="")

    def _keys_back(self, group: Group) -> str:
        after = (
            f" Run it after a restore of {self.rows_of}." if self.rows_of not in (LIVE, group.best) else ""
        )
        then = f" Then `{restore_command(group.then)}` puts the objects that are gone." if group.then else ""
        return f"{keys_back(group.good, group.count)}{after if group.best else ''}{then}"

    def _back(self, group: Group) -> str:
        best = group.best
        if not best:
            return NO_BACKUP
        have = group.good[best]
        part = "" if have == group.count else f" ({have:,} of these {group.count:,})"
        others = [name for name, _ in group.good.most_common() if name != best]
        more = f" Others are in {', '.join(others[:3])}." if others else ""
        after = f" Run it after a restore of {self.rows_of}." if self.rows_of not in (LIVE, best) else ""
        return (
            f"`{restore_command(best)}` puts what is missing or differs{part}, objects deleted since among them, "
            f"and changes nothing else. While the application runs, add --allow writers.{more}{after}"
        )

    def _who(self, group: Group) -> str:
        if not group.user:
            return ""
        name = printable(self._users.get(group.user, ""))
        return f" of {name} ({group.user})" if name else f" of the user {group.user}"

    def _used(self, group: Group) -> str:
        if not group.places:
            return ""
        named = "; ".join(printable(place) for place in group.places[:SHOWN_PLACES])
        return f"; used as {named}{' and more' if len(group.places) > SHOWN_PLACES else ''}"
