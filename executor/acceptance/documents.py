"""Documents ready to run: each version is parsed and compiled once a process."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from designs.errors import DesignInvalid
from designs.graph.spec import Graph
from designs.models import DesignVersion
from designs.patterns.catalogue import check_document
from executor.engine.runner import CompiledGraph, compile_graph

MAX_KEPT = 256

_kept: OrderedDict[uuid.UUID, CompiledGraph] = OrderedDict()
_lock = threading.Lock()


def compile_document(document: dict[str, Any]) -> CompiledGraph:
    """A document that may be run. Raises DesignInvalid with its problems."""
    return compile_graph(check_runnable(document))


def check_runnable(document: dict[str, Any]) -> Graph:
    """The document's graph. Raises DesignInvalid with its problems."""
    checked = check_document(document)
    if checked.graph is None or checked.problems:
        raise DesignInvalid(checked.problems)
    return checked.graph


def with_model(document: dict[str, Any], model: str) -> dict[str, Any]:
    """The checked document with this model for all its agents, whatever they name themselves."""
    blocks = [
        {**block, "agents": [{**agent, "model": None} for agent in block.get("agents", ())]}
        for block in document["blocks"]
    ]
    return {**document, "model": model, "blocks": blocks}


def models_of(document: dict[str, Any], usual: Sequence[str]) -> list[str]:
    """The names of all models that a checked document's agents may ask, fallbacks too; `usual` are
    asked where none is named.
    """
    agents = [agent for block in document["blocks"] for agent in block.get("agents") or ()]
    named = [agent.get("model") or document.get("model") or usual for agent in agents]
    chains = [[one] if isinstance(one, str) else one for one in named]
    return list(dict.fromkeys(name for chain in chains for name in chain))


def compiled_version(version_id: uuid.UUID) -> CompiledGraph:
    """The version's graph; reads the row only if it was not used lately."""
    found = known_version(version_id)
    if found is not None:
        return found
    document = DesignVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return _compiled(version_id, document)


def compiled_row(version: DesignVersion) -> CompiledGraph:
    """The same of a row; its document is asked for only if the graph was not used lately."""
    found = known_version(version.pk)
    return _compiled(version.pk, version.document) if found is None else found


def known_version(version_id: uuid.UUID) -> CompiledGraph | None:
    """The version's graph, if it was used lately."""
    with _lock:
        found = _kept.get(version_id)
        if found is not None:
            _kept.move_to_end(version_id)
        return found


def _compiled(version_id: uuid.UUID, document: dict[str, Any]) -> CompiledGraph:
    found = compile_document(document)
    with _lock:
        _kept[version_id] = found
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    return found
