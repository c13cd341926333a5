"""Names of tools as models know them."""

from __future__ import annotations

import re

from executor.engine.tools import digest_of, wire_names


def test_dots_become_two_underscores() -> None:
    assert wire_names(["crm.search", "deployments.support.translate"]) == {
        "crm.search": "crm__search",
        "deployments.support.translate": "deployments__support__translate",
    }


def test_long_and_odd_names_end_in_their_hash_and_stay_different() -> None:
    names = [f"crm.{'x' * 80}", f"crm.{'x' * 81}", "crm.a/b", "crm.a.b", "crm.a__b"]
    wires = wire_names(names)
    assert len(set(wires.values())) == len(names)
    for name, wire in wires.items():
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", wire), name
    assert re.fullmatch(r"crm__x{50,}_[0-9a-f]{8}", wires[names[0]])
    assert wire_names(names) == wires


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    one, other = {"a": 1, "b": {"c": 2, "d": [3]}}, {"b": {"d": [3], "c": 2}, "a": 1}
    assert digest_of("crm.x", one) == digest_of("crm.x", other)
    assert digest_of("crm.x", one) != digest_of("crm.y", one)
    assert digest_of("crm.x", one) != digest_of("crm.x", {**one, "a": 2})
