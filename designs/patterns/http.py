"""HTTP: one request to a server, or several for a list that comes page by page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from designs.graph.bounds import Questions
from designs.graph.fixes import fix, remove_value, set_value
from designs.graph.labels import one_of, shown
from designs.graph.spec import Block, Problem, Source
from designs.patterns.base import BlockFailed, BlockOutput, Pattern, RunContext, Settings
from designs.patterns.calls import Called, HttpCall
from designs.patterns.shapes import ANY

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
READING = frozenset({"GET", "HEAD"})
MAX_PAGES = 100
MAX_BYTES = 10_485_760
EXCERPT = 500
NAMES = ("cursor", "page")
ANSWER = ("body", "status", "headers")
_NOT_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "upgrade"}
)
_NOTHING: Any = object()


class Pages(BaseModel):
    """Where the items of a page are, and what asks for the next page."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    items: str = Field(min_length=1, description="JMESPath over `body`: a list.")
    next: str = Field(min_length=1, description="JMESPath over `body`, `headers`, `status`.")
    most: int = Field(default=10, ge=1, le=MAX_PAGES, description="After these it ends, degraded.")


class HttpSettings(Settings):
    """Where the request goes, what it says, and which answers are taken."""

    model_config = ConfigDict(
        json_schema_extra=one_of("Goes to", {"url": "an address", "path": "a connection's path"})
    )

    connection: str | None = Field(
        default=None,
        max_length=32,
        title="Connection",
        description="The name of a connection of kind HTTP; without one nothing secret is sent.",
        json_schema_extra=shown(when="/settings/path"),
    )
    method: Method = Field(default="GET", title="Method", description="The method of the request.")
    url: str | None = Field(
        default=None,
        title="Address",
        description="A template of the whole address, which must be public.",
        json_schema_extra=shown(kind="template"),
    )
    path: str | None = Field(
        default=None,
        title="Path",
        description="A template of the path below the connection's address.",
        json_schema_extra=shown(kind="template"),
    )
    query: dict[str, Any] = Field(
        default_factory=dict,
        title="Query",
        description="Templates by name; a list is sent as several, null is left out.",
        json_schema_extra=shown(kind="json", group="More"),
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        title="Headers",
        description="Templates by name.",
        json_schema_extra=shown(kind="json", group="More"),
    )
    body: Any = Field(
        default=None,
        title="Body",
        description="A template, or JSON with templates in it; a single `{{ }}` keeps its type.",
        json_schema_extra=shown(kind="json"),
    )
    parse: Literal["auto", "json", "text"] = Field(
        default="auto",
        title="The answer is",
        description="`auto`: JSON if the answer says that it is, else text.",
        json_schema_extra=shown(choices={"auto": "as it says", "json": "JSON", "text": "text"}),
    )
    accept: list[str] = Field(
        default=["2xx"],
        min_length=1,
        max_length=20,
        title="Statuses taken",
        description="As in `2xx` or `404`; any other status fails the block.",
        json_schema_extra=shown(kind="json", group="More"),
    )
    output: Literal["body", "full"] = Field(
        default="body",
        title="Output",
        description="`full` is `{status, headers, body}`.",
        json_schema_extra=shown(choices={"body": "the body", "full": "status, headers and body"}),
    )
    effect: Literal["read", "idempotent", "once"] | None = Field(
        default=None,
        title="Effect",
        description=(
            "`read` and `idempotent` may be sent again, `once` not. Empty: by the method; POST and "
            "PATCH are `once`, PUT and DELETE `idempotent`."
        ),
        json_schema_extra=shown(
            choices={"read": "reads", "idempotent": "once or more is the same", "once": "counts"},
            empty="by the method",
            group="More",
        ),
    )
    on_unknown_outcome: Literal["ask", "retry", "fail"] = Field(
        default="ask",
        title="If nobody knows what came of it",
        description="Of a request with the effect `once` that broke off after it was sent.",
        json_schema_extra=shown(
            choices={"ask": "ask a person", "retry": "send it again", "fail": "fail"}, group="More"
        ),
    )
    max_bytes: int = Field(
        default=1_048_576,
        ge=1,
        le=MAX_BYTES,
        title="Longest answer (bytes)",
        description="A longer answer fails the block, and nothing of it is kept.",
        json_schema_extra=shown(group="More"),
    )
    timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=600,
        title="Time limit (s)",
        description="For one request and its whole answer.",
        json_schema_extra=shown(group="More"),
    )
    pages: Pages | None = Field(
        default=None,
        title="Pages",
        description="`{items, next, most}`: asks for page after page; the body is all their items.",
        json_schema_extra=shown(kind="json", group="More"),
    )


class Http(Pattern[HttpSettings]):
    """The output is the answer's body; a status that is not taken fails the block."""

    type = "http"
    label = "HTTP"
    summary = "Sends a request to a server and hands its answer on. No agents, no model."
    settings_type = HttpSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    keeps_steps = True
    new_settings = {"method": "GET", "url": "https://example.com/"}
    unused_fields = frozenset({"task", "agents", "timeout_seconds"})
    output = ANY

    def sources(self, settings: HttpSettings) -> Iterable[Source]:
        for name in ("url", "path", "query", "headers", "body"):
            for place, text in _texts(getattr(settings, name), f"/settings/{name}"):
                yield Source(place, text, is_template=True, names=NAMES)
        if settings.pages is not None:
            for name in ("items", "next"):
                text = getattr(settings.pages, name)
                yield Source(f"/settings/pages/{name}", text, is_template=False, names=ANSWER)

    def check(self, block: Block, settings: HttpSettings) -> Iterable[Problem]:
        if (settings.url is None) == (settings.path is None):
            yield Problem("/settings", "Give a `url`, or a `connection` and a `path` below it.")
        if settings.path is not None and settings.connection is None:
            yield Problem("/settings/path", "A `path` is below a `connection`. Name one.")
        if settings.url is not None and settings.connection is not None:
            yield Problem(
                "/settings/connection",
                "With a connection give its `path`: its secrets go to its own address only.",
                fix("Remove the connection", remove_value("/settings/connection")),
            )
        yield from _check_answers(settings)
        if settings.method in READING and settings.body is not None:
            yield Problem(
                "/settings/body",
                f"A {settings.method} has no body. Use another method, or remove it.",
                fix("Remove the body", remove_value("/settings/body")),
            )
        if block.task.strip():
            yield Problem(
                "/task",
                "An HTTP block asks nobody, so it has no task. Write into its settings.",
                fix("Remove the task", set_value("/task", "")),
            )

    def most_calls(self, block: Block, settings: HttpSettings) -> Iterable[Questions]:
        return ()

    async def run(self, block: Block, settings: HttpSettings, context: RunContext) -> BlockOutput:
        asked = _Asked(settings, context)
        if settings.pages is None:
            answer = await asked.page(1, None)
            return BlockOutput(_output(answer, answer.body, settings))
        answer, items = await _all_pages(asked, settings.pages, context)
        return BlockOutput(_output(answer, items, settings))


async def _all_pages(asked: _Asked, pages: Pages, context: RunContext) -> tuple[Called, list[Any]]:
    cursor: Any = None
    known: set[str] = set()
    items: list[Any] = []
    for number in range(1, pages.most + 1):
        answer = await asked.page(number, cursor)
        names = {"body": answer.body, "status": answer.status, "headers": dict(answer.headers)}
        found = await context.compute(pages.items, names)
        if not isinstance(found, list):
            raise BlockFailed(f"page {number}: `{pages.items}` is no list.")
        items += found
        cursor = await context.compute(pages.next, names)
        if cursor in (None, "", False):
            return answer, items
        written = json.dumps(cursor, sort_keys=True)
        if written in known:
            context.degrade(f"Page {number} names a next page that was read before, so it ended.")
            return answer, items
        known.add(written)
    context.degrade(f"There are more than {pages.most} pages; the first {pages.most} were read.")
    return answer, items


class _Asked:
    """The requests of one run of a block."""

    def __init__(self, settings: HttpSettings, context: RunContext) -> None:
        self._settings = settings
        self._context = context

    async def page(self, number: int, cursor: Any) -> Called:
        settings = self._settings
        names = {"cursor": cursor, "page": number}
        url = await self._address(cursor, names)
        content, kind = await self._content(names)
        headers = {} if kind is None else {"Content-Type": kind}
        for name, template in settings.headers.items():
            text = _as_text(await self._filled(template, names))
            if not text.isascii() or not text.isprintable():
                raise BlockFailed(f"the header {name} would have characters that cannot be sent.")
            headers[name] = text
        effect = settings.effect
        if effect is None:
            once = settings.method in ("POST", "PATCH")
            effect = "once" if once else "read" if settings.method in READING else "idempotent"
        call = HttpCall(
            connection=settings.connection, method=settings.method, url=url, headers=headers,
            content=content, seconds=settings.timeout_seconds, max_bytes=settings.max_bytes,
            effect=effect, on_unknown_outcome=settings.on_unknown_outcome, parse=settings.parse,
            accept=tuple(settings.accept),
        )  # fmt: skip
        return await self._context.call(call, number)

    async def _address(self, cursor: Any, names: Mapping[str, Any]) -> str:
        settings = self._settings
        own = settings.url if settings.url is not None else settings.path
        address = _as_text(await self._filled(own or "", names))
        if settings.url is None:
            address = _below(address)
        if isinstance(cursor, str) and cursor.startswith(("http://", "https://", "/")):
            return _next_address(address, cursor)
        pairs = []
        for name, template in settings.query.items():
            value = await self._filled(template, names)
            several = value if isinstance(value, list) else [value]
            pairs += [(name, _as_text(one)) for one in several if one not in (None, _NOTHING)]
        if not pairs:
            return address
        return f"{address}{'&' if '?' in address else '?'}{urlencode(pairs, quote_via=quote)}"

    async def _content(self, names: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
        if self._settings.body is None:
            return None, None
        value = await self._filled(self._settings.body, names)
        if isinstance(value, str):
            return value.encode(), "text/plain; charset=utf-8"
        return json.dumps(value, ensure_ascii=False).encode(), "application/json"

    async def _filled(self, template: Any, names: Mapping[str, Any]) -> Any:
        """JSON with its templates filled; `_NOTHING` for an optional name without a value."""
        if isinstance(template, str):
            text = template.strip()
            if text in ("{{ cursor }}", "{{cursor}}") and names["cursor"] is None:
                return _NOTHING
            return await self._context.fill(template, names) if "{{" in template else template
        if isinstance(template, dict):
            found = {name: await self._filled(part, names) for name, part in template.items()}
            return {name: value for name, value in found.items() if value is not _NOTHING}
        if isinstance(template, list):
            return [await self._filled(part, names) for part in template]
        return template


def _check_answers(settings: HttpSettings) -> Iterable[Problem]:
    for number, status in enumerate(settings.accept):
        if not _is_pattern(status):
            yield Problem(f"/settings/accept/{number}", "Write a status as in `2xx` or `404`.")
    for name in settings.headers:
        if name.lower() in _NOT_OURS:
            yield Problem(f"/settings/headers/{name}", "This header is set by the call itself.")


def _next_address(address: str, cursor: str) -> str:
    """The next page's, which is on the same server: nothing is sent elsewhere."""
    if "://" not in address:
        if "://" in cursor:
            raise BlockFailed("the next page has a whole address; with a connection give a path.")
        return _below(cursor)
    found = urljoin(address, cursor)
    if urlsplit(found)[:2] != urlsplit(address)[:2]:
        raise BlockFailed("the next page is on another server, to which nothing is sent.")
    return found


def _below(path: str) -> str:
    """A path below the connection's address; values in it lead nowhere else."""
    plain, mark, query = path.partition("?")
    # Servers decode before they judge: `%2e%2e%2f` leads up as `../` does.
    parts = unquote(plain).replace("\\", "/").split("/")
    if not plain.startswith("/") or any(part in (".", "..") for part in parts):
        raise BlockFailed("the path must begin with / and stay below the connection's address.")
    return (
        quote(plain, safe="/%:@!$&'()*+,;=~-._") + mark + quote(query, safe="=&%:@!$'()*+,;/?~-._")
    )


def _output(answer: Called, body: Any, settings: HttpSettings) -> Any:
    if settings.output == "body":
        return body
    return {"status": answer.status, "headers": dict(answer.headers), "body": body}


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, f"{place}/{str(name).replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _texts(part, f"{place}/{number}")


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is _NOTHING else json.dumps(value, ensure_ascii=False)


def _is_pattern(status: str) -> bool:
    return len(status) == 3 and status[0] in "12345" and (status[1:] == "xx" or status.isdigit())
