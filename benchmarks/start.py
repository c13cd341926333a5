"""Seconds from `manage.py up` until everything answers: a new data folder, then later starts.

Run: python -m benchmarks.start  (BENCH_STARTS later starts; BENCH_LOCAL_MODEL=0 without the model)
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestra.launcher.installation import free_loopback_port

STARTS = int(os.environ.get("BENCH_STARTS", "5"))  # noqa: TID251
LOCAL_MODEL = os.environ.get("BENCH_LOCAL_MODEL", "1")  # noqa: TID251
ROOT = Path(__file__).resolve().parent.parent


def start(data: Path) -> float:
    """Start, wait for the last line of the start, stop; the seconds until that line."""
    ours = {
        "ORCHESTRA_DATA": str(data),
        "ORCHESTRA_PORT": str(free_loopback_port()),
        "ORCHESTRA_LOCAL_MODEL": LOCAL_MODEL,
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env={**os.environ, **ours},  # noqa: TID251
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("ready "):
            break
    else:
        raise SystemExit("It did not start.")
    took = time.monotonic() - began
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    return took


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        data = Path(folder) / "data"
        print(f"first start {start(data):.2f} s")
        later = [start(data) for _ in range(STARTS)]
        print(f"later starts: median {statistics.median(later):.2f} s, longest {max(later):.2f} s")


if __name__ == "__main__":
    main()
