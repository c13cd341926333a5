"""A person's browser and a script's client that remember every answer."""

from __future__ import annotations

import re
from typing import Any

import httpx2

from tests.crawling import crawl

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """`seen` holds each answer by method, address and turn; headers and body."""

    def __init__(self, address: str) -> None:
        self.client = httpx2.Client(
            base_url=address, timeout=60, trust_env=False, headers={"User-Agent": "canaries"}
        )
        self.seen: dict[str, bytes] = {}

    def close(self) -> None:
        self.client.close()

    def send(self, method: str, path: str, *, once: bool = False, **more: Any) -> httpx2.Response:
        """One request; an answer that shows a secret this `once` is not remembered."""
        answer = self.client.request(method, path, **more)
        if not once:
            said = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            # The browser is told of its session in this header.
            said = re.sub(r"(?m)^set-cookie:.*$", "", said)
            key = f"{method} {path} -> {answer.status_code} #{len(self.seen)}"
            self.seen[key] = said.encode() + b"\n" + answer.content
        return answer

    def fill(self, path: str, **fields: Any) -> httpx2.Response:
        """Open a page and send its form."""
        page = self.send("GET", path)
        found = TOKEN.search(page.text)
        assert found, f"{path} {page.status_code} has no form"
        data = {"csrfmiddlewaretoken": found[1], **fields}
        origin = str(self.client.base_url).rstrip("/")
        return self.send("POST", path, data=data, headers={"Origin": origin, "Referer": origin})

    def sign_in(self, name: str, password: str) -> httpx2.Response:
        return self.fill("/sign-in/", username=name, password=password)

    def api(
        self,
        key: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        once: bool = False,
        **headers: str,
    ) -> Any:
        """The answer's value; fails on an error of the server."""
        sent = {"Authorization": f"Bearer {key}", **headers}
        answer = self.client.request(method, path, json=body, headers=sent)
        if not once:
            self.seen[f"{method} {path} -> {answer.status_code} #{len(self.seen)}"] = answer.content
        assert answer.status_code not in (500, 503), answer.text
        if "json" in answer.headers.get("content-type", ""):
            return answer.json()
        return answer.text

    def walk(self, *starts: str) -> int:
        """Open every page that links lead to; how many there are."""
        return len(crawl(self._page, starts, most=500))

    def _page(self, path: str) -> str | None:
        answer = self.send("GET", path)
        if answer.is_redirect:
            return None
        assert answer.status_code < 500, (path, answer.text[:500])
        return answer.text if "html" in answer.headers.get("content-type", "") else None
