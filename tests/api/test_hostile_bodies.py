"""Bodies that no client would send: each is refused in words, none is a fault of the server."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from typing import Any

import pytest

from tests.api.conftest import Server

JSON = b"Content-Type: application/json\r\n"
DEEP = b"[" * 100_000 + b"]" * 100_000
# Each: the headers besides host and key, the body, the statuses that say it best.
BODIES: dict[str, tuple[bytes, bytes, set[int]]] = {
    "in chunks, without a length": (
        JSON + b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", {411}
    ),
    "in chunks and with a length": (
        JSON + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", b"2\r\n{}\r\n0\r\n\r\n",
        {400, 411},
    ),
    "NUL": (JSON, b'{"name": "a\\u0000b"}', {400}),
    "NUL as a key": (JSON, b'{"a\\u0000b": 1}', {400}),
    "half a surrogate": (JSON, b'{"name": "\\ud800"}', {400}),
    "half a surrogate as a key": (JSON, b'{"\\udfff": 1}', {400}),
    "beyond double precision": (JSON, b'{"name": 1e999}', {400}),
    "below it": (JSON, b'{"name": -1e999}', {400}),
    "a hundred thousand digits": (JSON, b'{"name": ' + b"9" * 100_000 + b"}", {400}),
    "NaN": (JSON, b'{"name": NaN}', {400}),
    "Infinity": (JSON, b'{"name": -Infinity}', {400}),
    "depth 100 000": (JSON, DEEP, {413}),
    "objects at depth 100 000": (JSON, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {413}),
    "10 MB": (JSON, b'{"name": "' + b"x" * 10_000_000 + b'"}', {413}),
    "60 000 values": (JSON, b"[" + b"1," * 60_000 + b"1]", {413}),
    "not UTF-8": (JSON, b'{"name": "\xff\xfe"}', {400}),
    "UTF-16": (JSON, '{"name": "a"}'.encode("utf-16"), {400}),
    "two byte order marks": (JSON, b'\xef\xbb\xbf\xef\xbb\xbf{"name": "a"}', {400}),
    "beyond 64 bits": (JSON, b'{"name": 18446744073709551616}', {400}),
    "gzip": (JSON + b"Content-Encoding: gzip\r\n", gzip.compress(b"{}"), {415}),
    "said to be deflated": (JSON + b"Content-Encoding: deflate\r\n", b"{}", {415}),
    "two codings": (JSON + b"Content-Encoding: identity, br\r\n", b"{}", {415}),
    "another content type": (b"Content-Type: text/plain\r\n", b'{"name": "a"}', {415}),
    "a form": (b"Content-Type: application/x-www-form-urlencoded\r\n", b"name=a", {415}),
    "parts": (
        b"Content-Type: multipart/form-data; boundary=x\r\n", b"--x\r\n\r\n\r\n--x--\r\n", {415}
    ),
    "no content type": (b"", b'{"name": "a"}', {415}),
    "a broken content type": (b"Content-Type: ;;;\r\n", b'{"name": "a"}', {415}),
    "the same key twice": (JSON, b'{"name": "a", "name": "b"}', {400}),
    "the same key twice, deep inside": (JSON, b'{"a": [{"b": 1, "b": 1}]}', {400}),
    "half of it": (JSON, b'{"name": ', {400}),
    "two values": (JSON, b"{} {}", {400}),
    "blanks": (JSON, b" \n ", {400}),
    "a list": (JSON, b"[1]", {400, 422}),
    "a text": (JSON, b'"text"', {400, 422}),
    "null": (JSON, b"null", {400, 422}),
    "a length that is none": (JSON + b"Content-Length: many\r\n", b"{}", {400, 411}),
    "a negative length": (JSON + b"Content-Length: -2\r\n", b"{}", {400, 411}),
    "two lengths": (JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}", {400, 411}),
    "prototype names": (JSON, b'{"__proto__": {"admin": true}, "constructor": 1}', {422}),
}  # fmt: skip
PATHS = ("POST /api/deployed/role/double", "POST /api/keys", "POST /api/designs/import",
         "POST /api/deployments", "PATCH /api/deployments/{deployment}",
         "POST /api/deployments/{deployment}/execute")  # fmt: skip
LINES = {
    "NUL in the path": "GET /api/deployments/%00 HTTP/1.1",
    "no UTF-8 in the path": "GET /api/deployed/%ff%fe HTTP/1.1",
    "NUL in the query": "GET /api/deployments?text=%00 HTTP/1.1",
    "half a surrogate in the query": "GET /api/designs?text=%ed%a0%80 HTTP/1.1",
    "a number without end": f"GET /api/deployments?limit={'9' * 5000} HTTP/1.1",
    "an offset without end": f"GET /api/designs?offset={'9' * 30} HTTP/1.1",
    "a cursor of nonsense": "GET /api/executions?cursor=%00%ff HTTP/1.1",
    "a path without end": f"GET /api/deployed/{'a/' * 3000} HTTP/1.1",
    "a line without end": f"GET /api/{'a' * 20_000} HTTP/1.1",
    "a method of nonsense": "BREW /api/deployments HTTP/1.1",
}


def sent(server: Server, line: str, headers: bytes, body: bytes, **more: str) -> tuple[int, Any]:
    """Status and answer of a request that is written byte by byte."""
    key = more.get("key", server.keys["Administrator"])
    length = b"" if b"Content-Length" in headers or b"chunked" in headers else (
        f"Content-Length: {len(body)}\r\n".encode() if body else b""
    )  # fmt: skip
    head = f"{line}\r\nHost: 127.0.0.1\r\nX-API-Key: {key}\r\nConnection: close\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.installation.port), timeout=60) as wire:
        # It may be refused by its headers alone, before all of it was sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.sendall(head + headers + length + b"\r\n" + body)
        answer = b""
        try:
            while part := wire.recv(65_536):
                answer += part
        except ConnectionResetError:
            assert answer, "the connection was reset without an answer"
    first, _, rest = answer.partition(b"\r\n")
    return int(first.split()[1]), rest


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_in_words(server: Server, name: str) -> None:
    headers, body, statuses = BODIES[name]
    for path in PATHS:
        line = path.replace("{deployment}", server.ids["deployment"]) + " HTTP/1.1"
        status, answer = sent(server, line, headers, body)
        if path.endswith("import") and name in ("prototype names", "a list"):
            statuses = statuses | {422}
        assert status in statuses, f"{path}: {status} {answer[:500]!r}"
        if status != 400 or b"application/json" in headers:
            continue
        assert b"problem+json" in answer


@pytest.mark.parametrize("name", LINES)
def test_a_hostile_line_is_refused(server: Server, name: str) -> None:
    status, answer = sent(server, LINES[name], b"", b"")
    assert 200 <= status < 500, answer[:500]


def test_hostile_headers_are_refused(server: Server) -> None:
    line, body = "POST /api/deployed/role/double HTTP/1.1", b'{"number": 1}'
    for header in (
        b"Idempotency-Key: \x80\xff\r\n",
        b"Idempotency-Key: " + b"x" * 300 + b"\r\n",
        b"Prefer: wait=99999999999999999999\r\n",
        b"Prefer: wait=-1, wait=x, ;;=\r\n",
        b"Callback-Url: http://169.254.169.254/latest\r\n",
        b"Callback-Url: \xff\r\n",
        b"Accept: \xff\r\n",
        b"Last-Event-ID: \x00\r\n",
    ):
        status, answer = sent(server, line, JSON + header, body)
        assert status < 500, (header, answer[:500])
    for key in ("orc_", "orc__", "orc_\xff_x", "orc_00000000_" + "x" * 9000):
        status, _ = sent(server, line, JSON, body, key=key)
        assert status in (400, 401, 431), key


def test_after_all_that_a_good_call_works(server: Server) -> None:
    status, answer = sent(server, "POST /api/deployed/role/double HTTP/1.1", JSON, b'{"number": 2}')
    assert status == 200
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["result"] == 4
    log = (server.installation.data / "logs" / "web.log").read_text()
    assert "Traceback" not in log
