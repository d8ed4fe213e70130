"""A raw HTTP S3 server for what the real one cannot show.

SeaweedFS rewrites or refuses odd keys itself (`/lead`, `//`, `..`, a backslash, a trailing slash), and no real
server answers 503 for a while, cuts a body, flips a bit or announces too few bytes when a test asks it to.
Objects live in a dict by their exact key; signatures are not looked at.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from services.profile import BucketTarget
from services.secret import Secret

BUCKET = "faulty"
PAGE = 1000


@dataclass
class Stored:
    """An object: its bytes and the headers it was put with, lower case."""

    data: bytes
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    modified: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        self.etag = self.etag or f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


@dataclass
class Fault:
    """What goes wrong with requests of `method` for `key` (None: any key, "" the listing), `times` times at most.

    `status` answers an error; of a body `cut` sends only so many bytes, `flip` inverts a bit of that byte,
    `short` announces so many bytes fewer and sends no more, `pause` waits (s) before each 16 KiB. It ends at
    `until` (time.monotonic) or `lasts` seconds after it first struck.
    """

    method: str = "GET"
    key: str | None = None
    times: int = 1 << 30
    until: float = float("inf")
    lasts: float = float("inf")
    status: int = 0
    code: str = "InternalError"
    cut: int | None = None
    flip: int | None = None
    short: int = 0
    pause: float = 0.0


class FaultyS3:
    """The server; `objects` and `faults` may be changed while it runs, `requests` is what came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.objects: dict[str, Stored] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"s3": self}))
        self._http.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    def target(self, prefix: str = "") -> BucketTarget:
        """Its one bucket."""
        return BucketTarget(
            bucket=BUCKET,
            endpoint=self.endpoint,
            access_key=Secret("access-key-of-a-test"),
            secret_key=Secret("secret-key-of-a-test"),
            prefix=prefix,
        )

    def put(self, key: str, data: bytes, **headers: str) -> None:
        """Stores an object; `content_type="text/plain"`, `x_amz_meta_sha256=...`."""
        self.objects[key] = Stored(data, {name.replace("_", "-"): value for name, value in headers.items()})

    def count(self, method: str, key: str) -> int:
        """How many requests of this kind came for a key."""
        return self.requests.count((method, key))

    def fault_for(self, method: str, key: str) -> Fault | None:
        """The first fault that applies; it wears off."""
        with self.lock:
            self.requests.append((method, key))
            for fault in self.faults:
                applies = fault.method == method and fault.key in (None, key) and fault.times > 0
                if applies and time.monotonic() < fault.until:
                    fault.until = min(fault.until, time.monotonic() + fault.lasts)
                    fault.times -= 1
                    return fault
            return None

    def stop(self) -> None:
        """Closes the port."""
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    s3: FaultyS3
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _parse(self) -> tuple[str | None, str, dict[str, str]]:
        path, _, query = self.path.partition("?")
        if path.startswith("http://"):
            # Asked as a proxy: the way to try virtual-hosted style without a name server.
            host, _, key = path.removeprefix("http://").partition("/")
            path = f"/{host.partition('.')[0]}/{key}"
        bucket, slash, key = path[1:].partition("/")
        fields = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        return (bucket if bucket == BUCKET else None), unquote(key) if slash else "", fields

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _begin(self) -> tuple[str, dict[str, str], bytes, Fault | None] | None:
        """The request, unless it was answered with an error already."""
        bucket, key, fields = self._parse()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if bucket is None:
            self._error(404, "NoSuchBucket")
            return None
        fault = self.s3.fault_for(self.command, key)
        if fault is not None and fault.status:
            self._error(fault.status, fault.code)
            return None
        return key, fields, body, fault

    def do_GET(self) -> None:
        if (begun := self._begin()) is None:
            return
        key, fields, _, fault = begun
        if not key:
            self._list(fields)
        else:
            self._object(key, fault)

    do_HEAD = do_GET

    def _list(self, fields: dict[str, str]) -> None:
        prefix, after = fields.get("prefix", ""), fields.get("continuation-token", "")
        limit = min(int(fields.get("max-keys", PAGE)), PAGE)
        with self.s3.lock:
            keys = sorted(key for key in self.s3.objects if key.startswith(prefix))
            start = int(after) if after else 0
            rows = [(key, self.s3.objects[key]) for key in keys[start : start + limit]]
        more = start + limit < len(keys)
        written = "".join(
            f"<Contents><Key>{escape(quote(key, safe=''))}</Key><Size>{len(stored.data)}</Size>"
            f"<ETag>{escape(stored.etag)}</ETag>"
            f"<LastModified>{stored.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for key, stored in rows
        )
        token = f"<NextContinuationToken>{start + limit}</NextContinuationToken>" if more else ""
        self._send(
            200,
            f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{written}</ListBucketResult>".encode(),
        )

    def _object(self, key: str, fault: Fault | None) -> None:
        stored = self.s3.objects.get(key)
        if stored is None:
            self._error(404, "NoSuchKey")
            return
        if self.headers.get("If-Match", stored.etag) != stored.etag:
            self._error(412, "PreconditionFailed")
            return
        data, status = stored.data, 200
        headers = {
            **{name: value.encode().decode("latin-1") for name, value in stored.headers.items()},
            "ETag": stored.etag,
            "Last-Modified": f"{stored.modified:%a, %d %b %Y %H:%M:%S GMT}",
        }
        if (span := self.headers.get("Range", "")).startswith("bytes="):
            first, _, last = span[6:].partition("-")
            end = min(int(last or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{end}/{len(data)}"
            data, status = data[int(first) : end + 1], 206
        fault = fault or Fault()
        if fault.flip is not None and data:
            changed = bytearray(data)
            changed[fault.flip] ^= 1
            data = bytes(changed)
        headers["Content-Length"] = str(len(data) - fault.short)
        data = data[: len(data) - fault.short]
        if fault.cut is None and not fault.pause:
            self._send(status, data, headers)
            return
        self._send(status, b"", headers)
        sent = data if fault.cut is None else data[: fault.cut]
        for start in range(0, len(sent), 16384):
            time.sleep(fault.pause)
            self.wfile.write(sent[start : start + 16384])
        if fault.cut is not None:
            self.close_connection = True

    def do_PUT(self) -> None:
        if (begun := self._begin()) is None:
            return
        key, _, body, fault = begun
        source = self.headers.get("x-amz-copy-source")
        if source is not None:
            self._copy(key, unquote(source).lstrip("/").partition("/")[2])
            return
        kept = {
            name.lower(): value.encode("latin-1").decode("utf-8")
            for name, value in self.headers.items()
            if name.lower().startswith(("x-amz-meta-", "content-", "cache-"))
            and name.lower() not in ("content-length", "content-md5")
        }
        if fault is not None and fault.flip is not None:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.s3.objects[key] = stored = Stored(body, kept)
        self._send(200, b"", {"ETag": stored.etag})

    def _copy(self, key: str, source: str) -> None:
        stored = self.s3.objects.get(source)
        if stored is None:
            self._error(404, "NoSuchKey")
        elif self.headers.get("x-amz-copy-source-if-match", stored.etag) != stored.etag:
            self._error(412, "PreconditionFailed")
        else:
            self.s3.objects[key] = Stored(stored.data, dict(stored.headers), stored.etag)
            answer = f"<CopyObjectResult><ETag>{escape(stored.etag)}</ETag></CopyObjectResult>"
            self._send(200, answer.encode())

    def do_DELETE(self) -> None:
        if (begun := self._begin()) is not None:
            self.s3.objects.pop(begun[0], None)
            self._send(204)

    def do_POST(self) -> None:
        if (begun := self._begin()) is None:
            return
        for element in ElementTree.fromstring(begun[2]).iter():
            if element.tag.endswith("Key") and element.text:
                self.s3.objects.pop(element.text, None)
        self._send(200, b"<DeleteResult></DeleteResult>")
