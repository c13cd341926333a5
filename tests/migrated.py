"""An SQLite database with all migrations applied, made once and copied: making it takes as long as
ten tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".cache" / "migrated"


def copy_migrated_database(target: Path) -> None:
    """Put a copy there; makes the original if the migrations have changed since."""
    from tests.services import plain_environment

    KEPT.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    original = KEPT / f"{_fingerprint()}.sqlite3"
    with (KEPT / "lock").open("w") as lock:
        # Test processes begin together, and one makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not original.exists():
            for stale in KEPT.glob("*.sqlite3*"):
                stale.unlink()
            unfinished = KEPT / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity=0"],
                cwd=ROOT,
                env=plain_environment({"ORCHESTRA_DATA": str(unfinished)}),
                check=True,
            )
            (unfinished / "orchestra.sqlite3").rename(original)
            shutil.rmtree(unfinished)
        shutil.copyfile(original, target)


def _fingerprint() -> str:
    """Of all migrations: ours by their text, those of libraries by the names and versions."""
    digest = hashlib.sha256()
    for path in [ROOT / "orchestra" / "settings.py", *sorted(ROOT.glob("*/migrations/*.py"))]:
        digest.update(path.read_bytes())
    packages = Path(sysconfig.get_path("purelib"))
    digest.update(repr(sorted(path.name for path in packages.glob("*.dist-info"))).encode())
    return digest.hexdigest()[:16]
