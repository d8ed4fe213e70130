"""The application's health endpoint: does it refuse, answer, and what does it say of each service."""

from __future__ import annotations

import http.client
import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Literal

import msgspec

from services.redact import redact

HEALTH_SECONDS = 35.0
"""With MongoDB stopped Quilltap answers 503 only after 15-20 s (measured)."""
BODY_BYTES = 65_536


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the URL gave; `services` maps a service's name to its status word, as the application reports it.

    `refusing`: nothing listens there. `unknown`: it could not be asked (name, network, time, TLS).
    """

    state: Literal["answering", "refusing", "unknown"]
    status_code: int | None = None
    status: str = ""
    services: dict[str, str] = {}
    detail: str = ""

    @property
    def healthy(self) -> bool:
        """Whether it answered 200 and named nothing unhealthy."""
        return self.status_code == 200 and all(word == "healthy" for word in self.services.values())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def probe_health(url: str, seconds: float = HEALTH_SECONDS) -> Health:
    """Asks once, without a proxy for loopback addresses; never raises for what the network does."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return Health(state="unknown", detail="health_url is neither http nor https")
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if _is_loopback(parts.hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(url, timeout=seconds) as response:
            return _answered(response.status, response.read(BODY_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return _answered(error.code, error.read(BODY_BYTES))
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return Health(state="refusing", detail="connection refused")
        return Health(state="unknown", detail=redact(str(error.reason)))
    except (OSError, http.client.HTTPException) as error:
        return Health(state="unknown", detail=redact(str(error) or type(error).__name__))


def _answered(code: int, body: bytes) -> Health:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Health(state="answering", status_code=code)
    entries = document.get("services")
    found, details = {}, []
    for name, entry in (entries if isinstance(entries, dict) else {}).items():
        if isinstance(entry, dict):
            found[str(name)] = str(entry.get("status", ""))
            if found[str(name)] != "healthy":
                details.append(f"{name}: {entry.get('message', '')}")
    return Health(
        state="answering",
        status_code=code,
        status=str(document.get("status", "")),
        services=found,
        detail=redact("; ".join(details)),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
