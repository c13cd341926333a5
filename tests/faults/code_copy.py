"""The code that the battery runs: a copy, so that nobody changes it meanwhile.

For the control of the battery the copy has its fencing taken away, which must be found out.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("designs", "executor", "deployments", "orchestra", "templates", "static")
FILES = ("manage.py", "gunicorn.conf.py")

# File, what stands there, what the control puts in its place: who lost an execution does not notice
# and writes on.
UNFENCED = (
    (
        "executor/states.py",
        "mine = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt)\n"
        "    return _end(mine, pk, status, **changes)",
        "mine = _rows().filter(pk=pk, status=Status.RUNNING)\n"
        "    return _end(mine, pk, status, **changes)",
    ),
    ("executor/states.py", 'found_by=("id", "attempt")', 'found_by=("id",)'),
    (
        "executor/recording/recorder.py",
        "mine = [w for w in writes if held.get(w.pk) == w.attempt]",
        "mine = list(writes)",
    ),
    (
        "executor/recording/recorder.py",
        "return [_result(w, ended) if held.get(w.pk) == w.attempt "
        "else _refusal(w) for w in writes]",
        "return [_result(w, ended) for w in writes]",
    ),
    (
        "executor/recording/together.py",
        """'ON o."id" = g.id AND o."attempt" = g.attempt '""",
        """'ON o."id" = g.id '""",
    ),
    ("executor/running/carrier.py", 'self._stop(key, "lost")', "pass"),
)


def copy_code(folder: Path, *, fenced: bool) -> Path:
    """Copy the code into the folder. Raises AssertionError if there is no fencing to take away."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for name, there, instead in () if fenced else UNFENCED:
        path = folder / name
        text = path.read_text()
        if text.count(there) != 1:
            raise AssertionError(f"{name} has changed: write this control anew")
        path.write_text(text.replace(there, instead))
    return folder
