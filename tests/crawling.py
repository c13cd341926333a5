"""Follows the links of pages, each address once, to find every page that can be opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# What an attribute of these names leads to can be opened.
LINKS = ("href", "hx-get", "sse-connect")
NOT_PAGES = ("/static/", "/sign-out", "/admin/logout", "/api/")
NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)|exec-[0-9a-f]{32}")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "link":
            self.found += [value for name, value in attrs if name in LINKS and value]


def links_of(html: str, address: str) -> list[str]:
    """Where the page leads to within the installation, as paths without a query."""
    parser = _Links()
    parser.feed(html)
    found = [urlsplit(urljoin(address, link)) for link in parser.found]
    here = urlsplit(address).netloc
    paths = [part.path for part in found if part.scheme == "http" and part.netloc == here]
    return [path for path in dict.fromkeys(paths) if not path.startswith(NOT_PAGES)]


def crawl(
    fetch: Callable[[str], str | None], starts: Iterable[str], *, a_kind: int = 3, most: int = 600
) -> dict[str, str]:
    """Path → page, of all that links lead to from `starts`. `fetch` gives None for what is none.

    Of pages that differ in a number only, `a_kind` are opened.
    """
    waiting, pages, kinds = list(starts), dict[str, str](), dict[str, int]()
    seen = set(waiting)
    while waiting and len(pages) < most:
        path = waiting.pop(0)
        page = fetch(path)
        if page is None:
            continue
        pages[path] = page
        for link in links_of(page, f"http://here{path}"):
            kind = NUMBER.sub("N", link)
            if link not in seen and kinds.get(kind, 0) < a_kind:
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(link)
                waiting.append(link)
    return pages
