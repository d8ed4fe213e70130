"""Who else is connected to the server: the application, or anything that may write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from services.mongo.connect import APP_NAME
from services.mongo.rights import Rights

if TYPE_CHECKING:
    from pymongo import MongoClient

_INTERNAL_DRIVERS = ("NetworkInterfaceTL", "MongoDB Internal Client")


class OtherClients(msgspec.Struct, frozen=True, kw_only=True):
    """Foreign connections by name; `complete` is False where other users' connections are hidden."""

    names: tuple[str, ...]
    complete: bool

    @property
    def proven_none(self) -> bool:
        """Nobody else is connected, and everybody would have been seen."""
        return self.complete and not self.names


def other_clients(client: MongoClient[Any], rights: Rights) -> OtherClients:
    """Connections that are neither Quillkeep's (by appName) nor the server's own, idle ones included."""
    everybody = rights.sees_all_clients
    stage = {"$currentOp": {"allUsers": everybody, "idleConnections": True}}
    names: dict[str, int] = {}
    for operation in client.admin.aggregate([stage]):
        metadata = operation.get("clientMetadata") or {}
        address = operation.get("client") or operation.get("client_s")
        if not address or not metadata:
            continue
        driver = str((metadata.get("driver") or {}).get("name", ""))
        name = str(operation.get("appName") or (metadata.get("application") or {}).get("name") or "")
        if driver.startswith(_INTERNAL_DRIVERS) or name.startswith(APP_NAME):
            continue
        host = str(address).rpartition(":")[0] or str(address)
        label = f"{name or driver or 'a client without a name'} from {host}"
        names[label] = names.get(label, 0) + 1
    return OtherClients(names=tuple(sorted(names)), complete=everybody)
