"""Index specifications and collection options on their way from a dump into a server, and their comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]

_DROPPED_OPTIONS = frozenset({"autoIndexId", "recordIdsReplicated", "uuid"})
_DROPPED_INDEX_KEYS = frozenset({"ns", "background", "dropDups", "clustered"})


def create_options(options: Mapping[str, Any], id_index: Mapping[str, Any] | None) -> Spec:
    """Arguments of the `create` command for a dumped collection; the `_id` index goes in here to keep its collation."""
    out = {key: _without_collation_version(key, value) for key, value in options.items()}
    for key in _DROPPED_OPTIONS:
        out.pop(key, None)
    if (
        id_index is not None
        and "clusteredIndex" not in out
        and "timeseries" not in out
        and "viewOn" not in out
    ):
        out["idIndex"] = build_spec(id_index)
    return out


def _without_collation_version(key: str, value: Any) -> Any:
    if key == "collation" and isinstance(value, Mapping):
        return {name: part for name, part in value.items() if name != "version"}
    return value


def build_spec(index: Mapping[str, Any]) -> Spec:
    """An index as createIndexes takes it today, from a dump of any age."""
    spec: Spec = {}
    for key, value in index.items():
        if key in _DROPPED_INDEX_KEYS:
            continue
        if key == "v" and int(value) < 1:
            continue
        spec[key] = _without_collation_version(key, value)
    if any(kind == "2dsphere" for kind in spec["key"].values()) and "2dsphereIndexVersion" not in spec:
        spec["2dsphereIndexVersion"] = 1
    if "expireAfterSeconds" in spec and spec["expireAfterSeconds"] != spec["expireAfterSeconds"]:
        spec["expireAfterSeconds"] = 2147483647
    return spec


def is_id_index(index: Mapping[str, Any]) -> bool:
    """Whether this is the `_id_` index, which every ordinary collection gets at its creation."""
    return index.get("name") == "_id_" or list(index.get("key", {}).items()) == [("_id", 1)]


def is_clustered_index(index: Mapping[str, Any]) -> bool:
    """Whether listIndexes shows the clustered key itself here."""
    return bool(index.get("clustered"))


def is_ttl(index: Mapping[str, Any]) -> bool:
    """Whether documents expire by this index."""
    return "expireAfterSeconds" in index


def secondary(indexes: list[Spec]) -> list[Spec]:
    """All indexes but `_id_` and the clustered key."""
    return [index for index in indexes if not is_id_index(index) and not is_clustered_index(index)]


_IGNORED = frozenset({"v", "ns", "background", "dropDups", "textIndexVersion", "2dsphereIndexVersion"})


def comparable(index: Mapping[str, Any]) -> Spec:
    """An index without what servers fill in or forget, for equality; key order counts."""
    out: Spec = {}
    for key, value in index.items():
        if key in _IGNORED:
            continue
        if key == "key":
            out["key"] = [
                (name, float(kind) if isinstance(kind, (int, float)) else kind)
                for name, kind in value.items()
            ]
        elif key == "collation":
            if dict(value).get("locale") == "simple":
                continue
            out["collation"] = str(dict(value).get("locale")) + str(dict(value).get("strength", ""))
        elif key == "weights":
            out["weights"] = {name: float(weight) for name, weight in dict(value).items()}
        elif isinstance(value, float) and value.is_integer():
            out[key] = int(value)
        else:
            out[key] = value
    return out


def missing_indexes(wanted: list[Spec], present: list[Spec]) -> list[str]:
    """Names of wanted indexes that are absent or different."""
    have = [comparable(index) for index in present]
    return [str(index.get("name")) for index in wanted if comparable(build_spec(index)) not in have]


def comparable_options(options: Mapping[str, Any]) -> Spec:
    """Collection options without what a server rounds, fills in or forgets."""
    out: Spec = {}
    for key, value in create_options(options, None).items():
        if key in ("size", "max") and not options.get("capped"):
            continue
        if key == "size":
            out[key] = (int(value) + 255) // 256 * 256
        elif key == "collation":
            out[key] = comparable({"collation": value}).get("collation")
        elif isinstance(value, float) and value.is_integer():
            out[key] = int(value)
        elif key == "clusteredIndex":
            out[key] = {name: part for name, part in dict(value).items() if name != "v"}
        else:
            out[key] = value
    return {key: value for key, value in out.items() if value not in (None, {}, False)}
