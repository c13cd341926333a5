"""What is large is computed apart, in the context of whoever asked."""

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

from designs.runtime.computing import MAX_AT_ONCE, compute_large, start_all

NAME = contextvars.ContextVar("name", default="nobody")


def _where() -> tuple[str, str]:
    return threading.current_thread().name, NAME.get()


async def test_what_is_small_is_computed_at_once_and_what_is_large_in_a_thread() -> None:
    NAME.set("ada")
    here = threading.current_thread().name
    assert await compute_large(MAX_AT_ONCE, _where) == (here, "ada")
    thread, name = await compute_large(MAX_AT_ONCE + 1, _where)
    assert thread.startswith("computing")
    assert name == "ada"


def test_threads_can_be_started_ahead() -> None:
    before = threading.active_count()
    with ThreadPoolExecutor(3) as pool:
        start_all(pool, 3)
        assert threading.active_count() == before + 3
