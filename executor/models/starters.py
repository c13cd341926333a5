"""Searches the names of all that started runs, without reading the history."""

from __future__ import annotations

from django.db import connection

# The names that are searched; each costs a step in an index.
MAX_NAMES = 5_000
# The matches of a search in each of names, deployments, designs and keys.
MAX_MATCHES = 500
_TABLE = "executor_execution"


def search_starters(text: str) -> list[str]:
    """The values of `triggered_by` (people, schedules) that contain the text.

    With more names than `MAX_NAMES`, the text is also taken as a whole name.
    """
    # Steps from each name to the next in their index.
    following = (
        f"SELECT triggered_by FROM {_TABLE} WHERE triggered_by > names.name "  # noqa: S608
        "ORDER BY triggered_by LIMIT 1"
    )
    # PostgreSQL needs the column's type.
    first = "SELECT CAST('' AS varchar(200))"
    statement = (
        f"WITH RECURSIVE names(name) AS ({first} UNION ALL "  # noqa: S608
        f"SELECT ({following}) FROM names WHERE names.name IS NOT NULL) "
        "SELECT name FROM names WHERE name > '' LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [MAX_NAMES])
        names = [name for (name,) in cursor.fetchall()]
    matches = [name for name in names if text.casefold() in name.casefold()][:MAX_MATCHES]
    return matches if len(names) < MAX_NAMES else [text, *matches]
