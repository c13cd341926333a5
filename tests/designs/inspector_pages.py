"""The inspector's templates as a browser reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = dict[str, str]
VOID = {"input", "br"}


@dataclass
class Found:
    """One template: all its elements in order, and the texts by the element they stand in."""

    elements: list[tuple[str, Attributes]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def having(self, name: str) -> list[Attributes]:
        return [given for _, given in self.elements if name in given]

    def control(self, pointer: str, part: str | None = None) -> Attributes:
        return next(
            given
            for given in self.having("data-pointer")
            if given["data-pointer"] == pointer and (part is None or given["data-part"] == part)
        )

    @property
    def pointers(self) -> list[str]:
        return list(dict.fromkeys(given["data-pointer"] for given in self.having("data-pointer")))


class _Templates(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Found] = {}
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), f"an attribute stands twice: {attrs}"
        if tag == "template":
            self.found[given["id"].removeprefix("inspector-")] = Found()
        else:
            list(self.found.values())[-1].elements.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.found and data.strip():
            list(self.found.values())[-1].texts.append(" ".join(data.split()))


def read_templates(html: str) -> dict[str, Found]:
    """The templates by what follows `inspector-`; each element must be closed."""
    reader = _Templates()
    reader.feed(html)
    assert reader.open == []
    return reader.found
