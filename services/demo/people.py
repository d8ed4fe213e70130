"""Sample users and what is theirs alone: log-ins, keys, settings, profiles, tags."""

from __future__ import annotations

from typing import Any

from services.demo.layout import DIMENSIONS, KEY_OWNERS, Layout
from services.demo.seeds import NEWEST, Seeds, iso
from services.demo.words import Text
from services.quilltap import encrypt_value
from services.secret import Secret

Document = dict[str, Any]
SAMPLE_PEPPER = Secret("cXVpbGxrZWVwLXNhbXBsZS1wZXBwZXItbm90LWEtc2VjcmV0")
"""Opens every encrypted value of every sample; invented, and not a secret."""
PROVIDERS = ("OPENAI", "ANTHROPIC", "OLLAMA", "OPENROUTER", "OPENAI_COMPATIBLE")
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BCRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
APPLICATION_VERSION = "1.8.5-dev.29"


class People:
    """Documents of one seed and layout, each made from its number alone."""

    def __init__(self, seeds: Seeds, layout: Layout, text: Text) -> None:
        self._seeds = seeds
        self._layout = layout
        self._text = text

    def _base(self, kind: str, number: int, *, own_id: bool = True) -> tuple[Document, Document]:
        """How every document begins and ends."""
        at = self._seeds.when(kind, number)
        head: Document = {"_id": self._seeds.object_id(kind, number, at)}
        if own_id:
            head["id"] = self._seeds.id(kind, number)
        return head, {"createdAt": iso(at), "updatedAt": iso(min(at + 3_600.25, NEWEST))}

    def _user(self, number: int) -> str:
        return self._seeds.id("users", self._layout.owner(number))

    def _sealed(self, kind: str, number: int, text: str, user: str) -> Document:
        sealed = encrypt_value(text, user, SAMPLE_PEPPER, iv=self._seeds.key(f"iv.{kind}", number)[:16])
        return {"ciphertext": sealed.ciphertext, "iv": sealed.iv, "authTag": sealed.authTag}

    def users(self, number: int) -> Document:
        """One in three of the first has a second factor, one in six backup codes."""
        head, tail = self._base("users", number)
        maker = self._seeds.random("users", number)
        user = head["id"]
        document = {
            **head,
            "email": f"user{number}@example.com",
            "name": self._text.name(maker),
            "emailVerified": tail["createdAt"] if number % 2 else None,
            "passwordHash": None if number % 5 == 4 else "$2b$12$" + "".join(maker.choices(BCRYPT, k=53)),
        }
        if number < KEY_OWNERS and number % 3 == 0:
            secret = "".join(maker.choices(BASE32, k=52))
            document["totp"] = {
                **self._sealed("totp", number, secret, user),
                "enabled": True,
                "verifiedAt": tail["createdAt"],
            }
        if number < KEY_OWNERS and number % 6 == 0:
            codes = '["' + '","'.join(f"{maker.randrange(10**8):08d}" for _ in range(8)) + '"]'
            document["backupCodes"] = {
                **self._sealed("codes", number, codes, user),
                "createdAt": tail["createdAt"],
            }
        if number % 5 == 4:
            document["image"] = "https://lh3.googleusercontent.com/a/example"
        return document | tail

    def accounts(self, number: int) -> Document:
        """OAuth tokens, in clear as the application stores them; without `id`."""
        head, tail = self._base("accounts", number, own_id=False)
        maker = self._seeds.random("accounts", number)
        return {
            **head,
            "userId": self._user(number),
            "type": "oauth",
            "provider": "google",
            "providerAccountId": str(maker.randrange(10**20, 10**21)),
            "refresh_token": None,
            "access_token": "ya29." + "".join(maker.choices(BCRYPT[2:], k=40)),
            "expires_at": NEWEST + 3_600,
            "token_type": "Bearer",
            "scope": "openid email profile",
            "id_token": "eyJhbGciOiJSUzI1NiJ9.e30.sig",
            "session_state": None,
            **tail,
        }

    def sessions(self, number: int) -> Document:
        """A live log-in that runs out in 2036; the date is text, so no TTL index ever removes it."""
        head, tail = self._base("sessions", number)
        return {
            **head,
            "sessionToken": self._seeds.id("sessionToken", number),
            "userId": self._user(number),
            "expires": "2036-01-01T00:00:00.000Z",
            **tail,
        }

    def verification_tokens(self, number: int) -> Document:
        """A token of the log-in by mail."""
        head, tail = self._base("verification_tokens", number, own_id=False)
        maker = self._seeds.random("verification_tokens", number)
        return {
            **head,
            "identifier": f"user{self._layout.owner(number)}@example.com",
            "token": "".join(maker.choices(HEX, k=64)),
            "expires": tail["updatedAt"],
        }

    def api_keys(self, number: int) -> Document:
        """A key under the pepper; whose it is stands in a migrated one, and else only in the profiles."""
        head, tail = self._base("api_keys", number)
        maker = self._seeds.random("api_keys", number)
        owner = self.key_owner(number)
        plain = "sk-" + "".join(maker.choices(BCRYPT[2:], k=45))
        document = {
            **head,
            "label": self._text.name(maker),
            "provider": PROVIDERS[number % len(PROVIDERS)],
            **self._sealed("api_keys", number, plain, self._seeds.id("users", owner)),
            "isActive": number % 7 != 6,
            **tail,
        }
        if number % 4 == 1:
            document["lastUsed"] = tail["updatedAt"]
        if number % 5 == 3:
            document["userId"] = self._seeds.id("users", owner)
        return document

    def key_owner(self, number: int) -> int:
        """The user a key belongs to: only the first few users have any."""
        return number % min(self._layout.users, KEY_OWNERS)

    def _key_of(self, user: int, pick: int) -> str | None:
        """The id of one of a user's keys."""
        owners = min(self._layout.users, KEY_OWNERS)
        if user >= owners:
            return None
        mine = (self._layout.counts["api_keys"] - user + owners - 1) // owners
        return self._seeds.id("api_keys", user + owners * (pick % mine)) if mine else None

    def chat_settings(self, number: int) -> Document:
        """Settings with an object whose keys are the ids of tags."""
        head, tail = self._base("chat_settings", number)
        user = self._layout.owner(number)
        tag = self._seeds.id("tags", self._layout.owned("tags", user, 0))
        style = {"emoji": "🌊", "foregroundColor": "#0f172a", "backgroundColor": "#bae6fd", "bold": True}
        return {
            **head,
            "userId": self._user(number),
            "avatarDisplayMode": "GROUP_ONLY" if number % 2 else "ALWAYS",
            "avatarDisplayStyle": "RECTANGULAR" if number % 3 else "CIRCULAR",
            "tagStyles": {tag: style},
            "cheapLLMSettings": {
                "strategy": "PROVIDER_CHEAPEST",
                "fallbackToLocal": False,
                "embeddingProvider": "OPENAI",
            },
            **tail,
        }

    def tags(self, number: int) -> Document:
        """A tag; its name is unique to its user."""
        head, tail = self._base("tags", number)
        name = f"{self._text.name(self._seeds.random('tags', number))} {number}"
        return {
            **head,
            "userId": self._user(number),
            "name": name,
            "nameLower": name.lower(),
            "quickHide": number % 9 == 0,
            **tail,
        }

    def _profile(self, kind: str, number: int, **own: Any) -> Document:
        head, tail = self._base(kind, number)
        user = self._layout.owner(number)
        return {
            **head,
            "userId": self._user(number),
            "name": self._text.name(self._seeds.random(kind, number)),
            "provider": PROVIDERS[number % len(PROVIDERS)],
            "apiKeyId": None if number % 10 == 9 else self._key_of(user, number // self._layout.users),
            "baseUrl": None if number % 4 == 3 else "http://127.0.0.1:9610/v1",
            **own,
            "isDefault": number < self._layout.users,
            "tags": [],
            **tail,
        }

    def connection_profiles(self, number: int) -> Document:
        """How a user reaches a language model; temperatures are doubles or ints."""
        temperature: float = 1 if number % 6 == 5 else 0.8
        parameters = {"temperature": temperature, "maxTokens": 512, "topP": 0.95}
        own = {
            "modelName": "stub-1",
            "parameters": parameters,
            "isCheap": False,
            "allowWebSearch": number % 2 == 0,
        }
        return self._profile("connection_profiles", number, **own)

    def embedding_profiles(self, number: int) -> Document:
        """How a user's memories become vectors."""
        own = {"modelName": "text-embedding-3-small", "dimensions": None if number % 3 == 2 else DIMENSIONS}
        return self._profile("embedding_profiles", number, **own)

    def image_profiles(self, number: int) -> Document:
        """How a user's pictures are generated."""
        parameters = {"quality": "hd", "style": "vivid", "size": "1024x1024"}
        return self._profile("image_profiles", number, modelName="dall-e-3", parameters=parameters)

    def migrations_state(self, number: int) -> Document:
        """The one document whose `_id` is text."""
        at = self._seeds.when("migrations_state", number)
        done = [
            {
                "id": name,
                "completedAt": iso(at),
                "quilltapVersion": APPLICATION_VERSION,
                "itemsAffected": count,
                "message": "MongoDB configuration validated and connection test successful (11ms latency)",
            }
            for name, count in (("validate-mongodb-config-v1", 1), ("migrate-files-to-s3-v1", 12))
        ]
        return {
            "_id": "migration_state",
            "completedMigrations": done,
            "lastChecked": iso(at),
            "quilltapVersion": APPLICATION_VERSION,
        }
