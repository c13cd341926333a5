"""Fills a running installation with texts, in every place that people, models and servers reach.

Run with the installation's variables: `python -m tests.hostile.rows`; prints the addresses of
the pages that show them, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.hostile.texts import hostile_texts, packed, polyglots
from tests.installations import ROOT, Installation
from tests.services import plain_environment

# Lists of the admin show so many rows, and a page of them must be enough.
MAX_OF_A_KIND = 90


def planted(installation: Installation) -> list[str]:
    """The addresses of the pages that show what was made."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.rows"],
        cwd=ROOT,
        env=plain_environment(dict(installation.variables)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


class Planting:
    """One set of texts in all places. The last row of each kind has a text that breaks out."""

    def __init__(self, kind: str, texts: list[str], names: list[str]) -> None:
        # No database takes it, and the doors refuse it.
        self.texts = [text.replace("\0", "") for text in texts]
        self.names = names
        self.kind = kind
        self.path = f"/planted/{kind}"

    def short(self, most: int) -> list[str]:
        """All texts as names of that length, then those that break out."""
        return [*packed(self.texts, most)[: MAX_OF_A_KIND - len(self.names)], *self.names]

    @property
    def long(self) -> str:
        return "\n".join(self.texts)

    def document(self, name: str, *, broken: bool = False) -> dict[str, Any]:
        """Every text as label, agent's name, task, prompt; valid unless it is to be broken."""
        plain = [text.replace("{{", r"\{{") for text in self.texts]
        labels = packed(plain, 200)
        blocks = [
            {
                "id": f"b{at}",
                "type": "sequential",
                "label": label,
                # Once is enough: a document has a largest size.
                "task": (self.long if broken else "\n".join(plain)) if at == 0 else label,
                "agents": [
                    {"id": "one", "name": labels[-1 - at], "system_prompt": label},
                    {"id": "two", "name": self.names[at % len(self.names)]},
                ],
            }
            for at, label in enumerate(labels[:30])
        ]
        return {
            "schema": 1,
            "name": name,
            "description": self.long[:9_000],
            "blocks": blocks if not broken else [*blocks, {"id": self.names[0], "type": self.long}],
        }

    def make(self) -> list[str]:
        """Everything; the addresses of the pages that show it."""
        from tests.hostile.planting import plant

        return plant(self)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251
    import django

    django.setup()
    found = Planting("hostile", hostile_texts(), polyglots()).make()
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
