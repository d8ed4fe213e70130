"""What this user may do, read without side effects from connectionStatus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pymongo import MongoClient

SWAP_ACTIONS = (
    "find",
    "insert",
    "update",
    "remove",
    "createCollection",
    "dropCollection",
    "createIndex",
    "dropIndex",
    "listCollections",
    "listIndexes",
    "renameCollectionSameDB",
    "dbStats",
)
"""What a restore by swap needs on the target database; the built-in role readWrite has all of it (`swap.md` 4)."""


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """The user's actions on one database; everything is allowed where the server has no authentication."""

    user: str
    roles: tuple[str, ...]
    authenticated: bool
    actions: frozenset[str]
    cluster_actions: frozenset[str]
    system_buckets: bool
    """Whether raw time series buckets may be written."""

    def may(self, action: str) -> bool:
        """Whether an action on every ordinary collection of the database is allowed."""
        return not self.authenticated or action in self.actions

    def may_cluster(self, action: str) -> bool:
        """Whether an action on the whole server is allowed."""
        return not self.authenticated or action in self.cluster_actions

    @property
    def bypass_validation(self) -> bool:
        """Whether documents that a validator rejects may be inserted."""
        return self.may("bypassDocumentValidation")

    @property
    def change_options(self) -> bool:
        """Whether collMod is allowed."""
        return self.may("collMod")

    @property
    def may_read(self) -> bool:
        """Whether a plan can be made: documents, collections and indexes may be looked at."""
        return all(self.may(action) for action in ("find", "listCollections", "listIndexes"))

    @property
    def sees_all_clients(self) -> bool:
        """Whether $currentOp shows other users' connections."""
        return self.may_cluster("inprog")

    def grant(self, role: str, database: str) -> str:
        """What an admin types to give this user a role on a database."""
        name, _, home = self.user.rpartition("@")
        return f'db.getSiblingDB("{home}").grantRolesToUser("{name}", [{{role: "{role}", db: "{database}"}}])'

    def missing_words(self, database: str) -> str:
        """One sentence naming the actions this user lacks for a restore and the role that has them; "" for none."""
        missing = self.missing_for_swap()
        if not missing:
            return ""
        if not self.roles:
            return (
                f"The user {self.user} has no roles. Grant it readWrite: {self.grant('readWrite', database)}"
            )
        return (
            f"The user {self.user} may not {', '.join(missing)} on {database}. "
            f"Grant it the role readWrite: {self.grant('readWrite', database)}"
        )

    def missing_for_swap(self) -> tuple[str, ...]:
        """Actions a restore needs and this user lacks."""
        return tuple(action for action in SWAP_ACTIONS if not self.may(action))


def read_rights(client: MongoClient[Any], database: str) -> Rights:
    """Asks the server; every user may."""
    reply = client.admin.command({"connectionStatus": 1, "showPrivileges": True})
    info = reply["authInfo"]
    users = info.get("authenticatedUsers", [])
    actions: set[str] = set()
    cluster: set[str] = set()
    buckets = not users
    for privilege in info.get("authenticatedUserPrivileges", []):
        resource = privilege["resource"]
        granted = set(privilege["actions"])
        if resource.get("anyResource"):
            actions |= granted
            cluster |= granted
            buckets = buckets or "insert" in granted
        elif resource.get("cluster"):
            cluster |= granted
        elif resource.get("db") in (database, "") and resource.get("collection") == "":
            actions |= granted
        if "insert" in granted and (
            resource.get("system_buckets") is not None
            or str(resource.get("collection", "")).startswith("system.buckets")
        ):
            buckets = True
    roles = tuple(f"{role['role']}@{role['db']}" for role in info.get("authenticatedUserRoles", []))
    if any(role.split("@")[0] in ("restore", "readWriteAnyDatabase", "root", "__system") for role in roles):
        buckets = True
    return Rights(
        user=f"{users[0]['user']}@{users[0]['db']}" if users else "",
        roles=roles,
        authenticated=bool(users),
        actions=frozenset(actions),
        cluster_actions=frozenset(cluster),
        system_buckets=buckets,
    )
