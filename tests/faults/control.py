"""The control of the battery: a copy of the code without fencing, which must be found out."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("designs", "executor", "deployments", "orchestra", "templates", "static")
FILES = ("manage.py", "gunicorn.conf.py")

# What is taken away: who lost an execution does not notice, and writes on.
UNFENCED = {
    "executor/states.py": (
        "mine = _rows().filter(pk=pk, status=Status.RUNNING, attempt=attempt)\n"
        "    return _end(mine, pk, status, **changes)",
        "mine = _rows().filter(pk=pk, status=Status.RUNNING)\n"
        "    return _end(mine, pk, status, **changes)",
    ),
    "executor/recorder.py": (
        "mine = [w for w in writes if held.get(w.pk) == w.attempt]",
        "mine = list(writes)",
    ),
    "executor/carrier.py": (
        'self._stop(key, "lost")',
        "pass",
    ),
}
ALSO = {
    "executor/recorder.py": (
        "return [_end(w) if held.get(w.pk) == w.attempt else _refusal(w) for w in writes]",
        "return [_end(w) for w in writes]",
    ),
}


def unfenced_copy(folder: Path) -> Path:
    """Copy the code and take its fencing away. Raises AssertionError if there is none to take."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for changes in (UNFENCED, ALSO):
        for name, (fenced, unfenced) in changes.items():
            path = folder / name
            text = path.read_text()
            if text.count(fenced) != 1:
                raise AssertionError(f"{name} has changed: write this control anew")
            path.write_text(text.replace(fenced, unfenced))
    return folder
