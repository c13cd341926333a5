"""Everything that an installation has written, as bytes: rows, files, logs, the broker's keys."""

from __future__ import annotations

import base64
import html
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import redis

# Where the first start keeps the installation's own keys, readable by its user alone.
KEPT_SECRETS = {"secrets.json", "sample-key"}


def files(data: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the data folder: the database as it lies there, logs, the broker's journal."""
    for path in sorted(data.rglob("*")):
        if path.is_file() and path.name not in KEPT_SECRETS:
            yield str(path.relative_to(data)), path.read_bytes()


def sqlite_tables(path: Path) -> Iterator[tuple[str, bytes]]:
    """Table by table, each value as it is."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            rows = database.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
            yield f"table {name}", "\n".join(str(v) for row in rows for v in row).encode()


def postgres_tables(url: str) -> Iterator[tuple[str, bytes]]:
    with psycopg.connect(url) as database:
        names = database.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for (name,) in names:
            rows = database.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
            texts = [
                v if isinstance(v, str) else json.dumps(v, default=str, ensure_ascii=False)
                for row in rows
                for v in row
            ]
            yield f"table {name}", "\n".join(texts).encode()


def broker_keys(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key of both databases with what it holds."""
    for number in (0, 1):
        with redis.Redis.from_url(url, db=number) as client:
            for key in client.scan_iter():
                yield f"key {key!r}", repr((key, _content(client, key))).encode()


def _content(client: redis.Redis, key: bytes) -> object:
    kind: Any = client.type(key)
    read = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"hash": lambda: client.hgetall(key),
        b"stream": lambda: client.xrange(key),
        b"none": lambda: None,
    }
    return read[kind]()


def spellings(secret: str) -> set[bytes]:
    """How a text may be written in a dump, a page, an address, a header."""
    found = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        html.escape(secret),
        quote(secret, safe=""),
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }
    return {text.encode() for text in found}


def found_in(places: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Each place that holds a secret, with the secret's name and what stands around it."""
    hits = []
    for name, secret in secrets.items():
        for spelling in spellings(secret):
            for place, content in places.items():
                at = content.find(spelling)
                if at >= 0:
                    around = content[max(0, at - 80) : at + len(spelling) + 20]
                    hits.append(f"{name} in {place}: {around!r}")
    return hits
