"""A real HTTP server on this machine that speaks the chat completions protocol, as scripted by a test."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import SecretStr

from rasslib.models.endpoint import Endpoint
from rasslib.models.endpoint_config import EndpointConfig

KEY = "sk-test-0123456789"


@dataclass(frozen=True)
class Answer:
    """One response of the server: status (0: hang up without a word), headers, body."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def said(text: str | None, finish: str = "stop", *, usage: bool = True, **message: Any) -> Answer:
    """A whole chat completion that says ``text``, of 11 prompt tokens and 7 completion tokens."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        ],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return Answer(json.dumps(body))


def failed(status: int, message: str = "", headers: Mapping[str, str] | None = None, code: str = "") -> Answer:
    """An error in the usual form."""
    body = {"error": {"message": message or f"status {status}", "type": "error", "param": None, "code": code}}
    return Answer(json.dumps(body), status, headers or {})


@dataclass
class ChatServer:
    """The server as a test sees it.

    Attributes:
        url: Its address.
        requests: Bodies of the requests, in the order they came.
        keys: What stood in their ``Authorization`` headers.
        busiest: Most requests that were under way at once.
    """

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    busiest: int = 0

    @property
    def prompts(self) -> list[str]:
        """The user message of each request."""
        return [str(request["messages"][-1]["content"]) for request in self.requests]

    def endpoint(self, retries: int = 0, max_concurrency: int = 1, timeout: float = 20.0) -> Endpoint:
        """A writer that asks this server."""
        return Endpoint(EndpointConfig(self.url, "tiny", SecretStr(KEY), timeout, retries, max_concurrency))


@contextmanager
def chat_server(script: Callable[[dict[str, Any], int], Answer]) -> Iterator[ChatServer]:
    """Serve while the block runs.

    Args:
        script: Makes the response to a request from its body and its number (from 0).
    """
    lock = threading.Lock()
    under_way = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal under_way
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.endswith("/v1/chat/completions"):
                self._send(failed(404, f"no such path: {self.path}"))
                return
            with lock:
                number = len(seen.requests)
                seen.requests.append(body)
                seen.keys.append(self.headers.get("Authorization", ""))
                under_way += 1
                seen.busiest = max(seen.busiest, under_way)
            try:
                answer = script(body, number)
            finally:
                with lock:
                    under_way -= 1
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            if not answer.status:
                self.close_connection = True
                return
            data = answer.body.encode("utf-8")
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    connections: list[socket.socket] = []

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, address = super().get_request()
            connections.append(connection)
            return connection, address

    server = Server(("127.0.0.1", 0), Handler)
    seen = ChatServer(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for connection in connections:  # a server that is gone answers on no open connection either
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def closed_url() -> str:
    """An address on this machine where nothing listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{server.server_port}/v1"
    server.server_close()
    return url
