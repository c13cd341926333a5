"""Compiled documents; those of versions are cached by each process."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from designs.errors import DesignInvalid
from designs.graph.nesting import block_in_place, blocks_in
from designs.graph.spec import Graph
from designs.models import DesignVersion
from designs.patterns.catalogue import check_document
from executor.engine.runner import CompiledGraph, compile_graph

MAX_GRAPHS = 256

_graphs: OrderedDict[uuid.UUID, CompiledGraph] = OrderedDict()
_lock = threading.Lock()


def compile_document(document: dict[str, Any]) -> CompiledGraph:
    """Raises DesignInvalid with the document's problems."""
    return compile_graph(check_runnable(document))


def check_runnable(document: dict[str, Any]) -> Graph:
    """Raises DesignInvalid with the document's problems."""
    checked = check_document(document)
    if checked.graph is None or checked.problems:
        raise DesignInvalid(checked.problems)
    return checked.graph


def with_model(document: dict[str, Any], model: str) -> dict[str, Any]:
    """The checked document with this model for all its agents, whatever model they name."""
    blocks = [_without_models(block) for block in document["blocks"]]
    return {**document, "model": model, "blocks": blocks}


def _without_models(block: dict[str, Any]) -> dict[str, Any]:
    agents = [{**agent, "model": None} for agent in block.get("agents", ())]
    changed = {**block, "agents": agents}
    inner = block_in_place(block)
    if inner is not None:
        changed["settings"] = {**block["settings"], "block": _without_models(dict(inner))}
    return changed


def models_of(document: dict[str, Any], default_models: Sequence[str]) -> list[str]:
    """The names of all models, fallbacks too, that a checked document's agents may ask."""
    agents = [agent for block in blocks_in(document) for agent in block.get("agents") or ()]
    choices = [agent.get("model") or document.get("model") or default_models for agent in agents]
    chains = [[choice] if isinstance(choice, str) else choice for choice in choices]
    return list(dict.fromkeys(name for chain in chains for name in chain))


def compiled_version(version_id: uuid.UUID) -> CompiledGraph:
    """The version's graph; reads the row only if the graph is not cached."""
    graph = cached_version(version_id)
    if graph is not None:
        return graph
    document = DesignVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return _compile(version_id, document)


def compiled_row(version: DesignVersion) -> CompiledGraph:
    """The row's graph; reads a deferred document only if the graph is not cached."""
    graph = cached_version(version.pk)
    return _compile(version.pk, version.document) if graph is None else graph


def cached_version(version_id: uuid.UUID) -> CompiledGraph | None:
    with _lock:
        graph = _graphs.get(version_id)
        if graph is not None:
            _graphs.move_to_end(version_id)
        return graph


def _compile(version_id: uuid.UUID, document: dict[str, Any]) -> CompiledGraph:
    graph = compile_document(document)
    with _lock:
        _graphs[version_id] = graph
        while len(_graphs) > MAX_GRAPHS:
            _graphs.popitem(last=False)
    return graph
