"""The forms of a page as a browser reads them: where they go, and what they send as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote_plus, urljoin, urlsplit

# What is sent as it is shown: without it the form is refused for another reason.
KEPT = ("csrfmiddlewaretoken", "-TOTAL_FORMS", "-INITIAL_FORMS")


@dataclass
class PageForm:
    """`values` are those of all fields; `choices` the options of those that offer some,
    `texts` those for texts of several lines.
    """

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for name in self.values if not name.endswith(KEPT)]

    def body(self, **changed: list[str]) -> str:
        """As `application/x-www-form-urlencoded`, halves of surrogate pairs as bytes."""
        values = {**self.values, **changed}
        return "&".join(f"{_quoted(name)}={_quoted(v)}" for name in values for v in values[name])


def _quoted(text: str) -> str:
    return quote_plus(text, errors="surrogatepass")


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self._open: PageForm | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = PageForm(given.get("action", ""), given.get("method", "get").lower())
            self.found.append(self._open)
        elif self._open is not None:
            self._field(self._open, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _field(self, form: PageForm, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "option":
            form.choices[self._select].append(given.get("value", ""))
            if "selected" in given:
                form.values[self._select] = [given.get("value", "")]
        elif tag == "select" and name:
            self._select = name
            form.choices[name] = []
            form.values.setdefault(name, [])
        elif tag == "textarea" and name:
            form.values.setdefault(name, [""])
            form.texts.append(name)
        elif tag == "input" and name and given.get("type") not in ("file", "submit"):
            is_unticked = given.get("type") in ("checkbox", "radio") and "checked" not in given
            form.values.setdefault(name, []).extend([] if is_unticked else [given.get("value", "")])


def forms_of(html: str, address: str) -> list[PageForm]:
    parser = _Forms()
    parser.feed(html)
    for form in parser.found:
        form.action = urlsplit(urljoin(f"http://here{address}", form.action)).path
    return parser.found
