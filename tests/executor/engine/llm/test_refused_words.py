"""Refusals of the field for the limit, of its value, or of something else."""

from __future__ import annotations

import pytest

from executor.engine.llm.base import ModelError
from executor.engine.llm.workarounds import Lack
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.executor.engine.llm.test_workarounds import unless
from tests.model_server import ModelServer, fails, says


async def test_the_older_word_where_the_newer_is_not_known(server: ModelServer) -> None:
    server.usual = unless(
        "max_completion_tokens",
        fails(400, "Unrecognized request argument supplied: max_completion_tokens"),
        says("Fine."),
    )
    model = model_at(server, "openai")
    assert (await model.complete(asking_for(max_output_tokens=70))).text == "Fine."
    assert server.calls[-1].body["max_tokens"] == 70
    assert model.lacks == {Lack.MAX_TOKENS}


async def test_a_limit_that_is_too_high_is_no_word_that_is_not_known(server: ModelServer) -> None:
    server.usual = fails(400, "max_tokens is too large: this model has at most 4096.")
    with pytest.raises(ModelError, match="too large"):
        await model_at(server, "openai_compatible").complete(asking_for(max_output_tokens=9_000))
    assert len(server.calls) == 1


async def test_a_server_upstream_has_nothing_to_do_with_streams(server: ModelServer) -> None:
    server.then(fails(500, "Upstream error from a provider."), says("Fine."))
    model = model_at(server, "openai_compatible")
    with pytest.raises(ModelError):
        await model.complete(asking_for(), lambda _: None)
    assert model.lacks == set()
