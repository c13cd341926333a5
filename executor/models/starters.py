"""Who and what has started runs: found by name without reading the history."""

from __future__ import annotations

from django.db import connection

# So many different names are looked through; each costs a step in an index.
MAX_NAMES = 5_000
# How many of them, deployments, designs or keys a text may mean.
MAX_MEANT = 500
_TABLE = "executor_execution"


def starters_named(text: str) -> list[str]:
    """The values of `triggered_by` that hold the text: of people, also those who are gone, and of
    schedules. Where there are more names than `MAX_NAMES`, the text is also taken as a whole one.
    """
    names, wanted = _names(), text.casefold()
    found = [name for name in names if wanted in name.casefold()][:MAX_MEANT]
    return found if len(names) < MAX_NAMES else [text, *found]


def _names() -> list[str]:
    """Each name once, by stepping from one to the next in their index."""
    following = (
        f"SELECT triggered_by FROM {_TABLE} WHERE triggered_by > names.name "  # noqa: S608
        "ORDER BY triggered_by LIMIT 1"
    )
    # The type is the column's: PostgreSQL wants that said.
    first = "SELECT CAST('' AS varchar(200))"
    statement = (
        f"WITH RECURSIVE names(name) AS ({first} UNION ALL "  # noqa: S608
        f"SELECT ({following}) FROM names WHERE names.name IS NOT NULL) "
        "SELECT name FROM names WHERE name > '' LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [MAX_NAMES])
        return [name for (name,) in cursor.fetchall()]
