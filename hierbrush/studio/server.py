"""The server of the page: loopback alone, its own files alone, requests of its own page alone."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from hierbrush.errors import HierbrushError, shown
from hierbrush.resources import page_file
from hierbrush.studio.desk import BusyError, Desk

HOST = "127.0.0.1"
USUAL_PORT = 8848

MOST_JSON = 64 * 1024
MOST_FILE = 32 * 2**20
_CONNECTIONS = 128
_SILENCE = 15.0  # seconds that a connection may say nothing
_BODY_SECONDS = 60.0

_SCRIPTS = ("common", "compare", "hierbrush-player", "order", "practise", "research", "studio", "watch", "words")
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/studio.css": ("studio.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8") for name in _SCRIPTS},
}

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _RefusedError(Exception):
    """A request that is not answered; its status and why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class StudioServer(ThreadingHTTPServer):
    """Serves the page on loopback, a thread a connection, so many at most.

    Args:
        desk: answers what the page asks.
        port: 0 for any that is free.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, desk: Desk, port: int = 0) -> None:
        self.desk = desk
        self._places = threading.BoundedSemaphore(_CONNECTIONS)
        self.files = {path: (page_file(name).read_bytes(), kind) for path, (name, kind) in _FILES.items()}
        super().__init__((HOST, port), _Handler)
        own = self.server_address[1]
        self.hosts = {f"{name}:{own}" for name in (HOST, "localhost")}

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called, as http.server does."""
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets others share an address that is merely reused
            self.allow_reuse_address = False
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def server_close(self) -> None:
        """Listen no longer, and remove what the page sent."""
        super().server_close()
        self.desk.close()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, once there is a place for it."""
        self._places.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, then give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away; tell a defect of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()


class _Handler(BaseHTTPRequestHandler):
    server: StudioServer
    protocol_version = "HTTP/1.1"
    server_version = "hierbrush"
    sys_version = ""
    timeout = _SILENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server calls it
        """Log nothing."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, act: Callable[[], tuple[bytes, str, dict[str, str]]]) -> None:
        try:
            self._check()
            content, kind, headers = act()
            self._send(HTTPStatus.OK, content, kind, headers)
        except _RefusedError as refused:
            self._refuse(refused.status, refused.why)
        except HierbrushError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), close=False)
        except BusyError:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the studio is busy with other requests; try again")
        except OSError:
            self.close_connection = True
        except Exception as error:
            traceback.print_exc()
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"a defect of hierbrush: {type(error).__name__}")

    def _check(self) -> None:
        """Refuse what this server's own page would not send.

        A page elsewhere may have its name point here (DNS rebinding), which the host tells, or post across origins.
        """
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            raise _RefusedError(HTTPStatus.MISDIRECTED_REQUEST, f"host: expected {self.server.url}")
        origins = self.headers.get_all("Origin") or []
        if any(origin.lower() not in {f"http://{host}" for host in self.server.hosts} for origin in origins):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "origin: only the studio's own page may ask")
        site = self.headers.get("Sec-Fetch-Site", "none")
        if self._path() != "/" and site not in ("same-origin", "none"):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "origin: only the studio's own page may ask")

    def _path(self) -> str:
        return urlsplit(self.path).path

    def _get(self) -> tuple[bytes, str, dict[str, str]]:
        path = self._path()
        if path == "/api/about":
            return (*_json(self.server.desk.about()), {})
        if path not in self.server.files:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"there is no {shown(path)}")
        return (*self.server.files[path], {})

    def _post(self) -> tuple[bytes, str, dict[str, str]]:
        path, desk = self._path(), self.server.desk
        if path == "/api/goal":
            content = self._body("application/octet-stream", MOST_FILE)
            return (*_json(desk.goal(content, unquote(self.headers.get("X-Name", ""))[:200])), {})
        asked: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "/api/write": desk.write,
            "/api/run": desk.run,
            "/api/episodes": desk.episodes,
        }
        if path not in asked and path != "/api/export":
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"there is no {shown(path)}")
        document = _document(self._body("application/json", MOST_JSON))
        if path == "/api/export":
            content, kind, name = desk.export(document)
            return content, kind, {"Content-Disposition": f'attachment; filename="{name}"'}
        return (*_json(asked[path](document)), {})

    def _body(self, kind: str, most: int) -> bytes:
        if self.headers.get_content_type() != kind:
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {kind}")
        lengths = self.headers.get_all("Content-Length") or []
        if "Transfer-Encoding" in self.headers or len(lengths) != 1 or not _whole(lengths[0]):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "expected one Content-Length")
        length = int(lengths[0])
        if length > most:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{length:,} bytes, expected at most {most:,}")
        parts, left, until = [], length, time.monotonic() + _BODY_SECONDS
        while left:
            part = self.rfile.read1(min(left, 1 << 16))
            if not part or time.monotonic() > until:
                raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the request ended before its length")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _refuse(self, status: HTTPStatus, why: str, *, close: bool = True) -> None:
        # What was sent and not read would be taken for the next request.
        self.close_connection = self.close_connection or close
        content, kind = _json({"error": why})
        try:
            self._send(status, content, kind, {"Connection": "close"} if self.close_connection else {})
        except OSError:
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer garbage as everything else is answered."""
        self._refuse(HTTPStatus(code), message or HTTPStatus(code).phrase)

    def _send(self, status: HTTPStatus, content: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(content)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _json(answer: Mapping[str, Any]) -> tuple[bytes, str]:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(errors="replace"), "application/json; charset=utf-8"


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content.decode())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "expected a JSON object")
    return document
