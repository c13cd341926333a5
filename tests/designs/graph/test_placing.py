"""Blocks are placed from left to right, without lying on each other, whatever the connections."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.drawing import block_size
from designs.graph.placing import COLUMN_GAP, GRID, Link, Placing, Size, place

NAMES = tuple("abcdefghij")


def sizes_of(names: str, agents: int = 1) -> dict[str, Size]:
    return dict.fromkeys(names, block_size(agents))


def links_of(text: str) -> list[Link]:
    """`ab bc` is a → b → c."""
    return [(pair[0], pair[1]) for pair in text.split()]


def is_free(placing: Placing, sizes: dict[str, Size]) -> bool:
    """Nothing lies on anything else."""
    for one, other in itertools.combinations(sizes, 2):
        (x, y), (width, height) = placing.positions[one], sizes[one]
        (to_x, to_y), (to_width, to_height) = placing.positions[other], sizes[other]
        apart = x + width <= to_x or to_x + to_width <= x
        if not apart and y < to_y + to_height and to_y < y + height:
            return False
    return True


def test_a_chain_is_a_straight_line() -> None:
    sizes = {"a": block_size(0), "b": block_size(6), "c": block_size(2)}
    positions = place(sizes, links_of("ab bc")).positions
    assert len({y for _, y in positions.values()}) == 1
    assert positions["b"][0] - positions["a"][0] >= sizes["a"][0] + COLUMN_GAP
    assert positions["a"][0] < positions["b"][0] < positions["c"][0]


def test_what_follows_several_is_level_with_their_middle() -> None:
    positions = place(sizes_of("abcd"), links_of("ad bd cd")).positions
    assert positions["d"][1] == positions["b"][1]
    assert positions["a"][1] < positions["b"][1] < positions["c"][1]


def test_wires_that_need_not_cross_do_not() -> None:
    positions = place(sizes_of("abcdef"), links_of("ae bd cf")).positions
    before = sorted("abc", key=lambda name: positions[name][1])
    after = sorted("def", key=lambda name: positions[name][1])
    assert [dict(links_of("ae bd cf"))[name] for name in before] == after


def test_a_block_stands_right_before_what_it_leads_to() -> None:
    positions = place(sizes_of("abcd"), links_of("ab bc dc")).positions
    assert positions["d"][0] == positions["b"][0]


def test_a_wire_that_passes_a_column_has_a_way_of_its_own() -> None:
    sizes = sizes_of("abc", agents=4)
    placing = place(sizes, links_of("ab bc ac"))
    first, second, passing = placing.routes
    assert (first, second) == ([], [])
    (_, line), (_, same) = passing
    top = placing.positions["b"][1]
    assert line == same
    assert not top <= line <= top + sizes["b"][1]


def test_blocks_without_connections_stand_in_rows() -> None:
    sizes = dict.fromkeys((f"b{number}" for number in range(20)), block_size(1))
    placing = place(sizes, [])
    assert is_free(placing, sizes)
    assert len({x for x, _ in placing.positions.values()}) == 4


@pytest.mark.parametrize("text", ["aa", "ab ba", "ab bc ca", "ab ab", "ax xa", "ab bc cb cd da"])
def test_odd_connections_are_placed_too(text: str) -> None:
    sizes = sizes_of("abcd")
    placing = place(sizes, links_of(text))
    assert set(placing.positions) == set(sizes)
    assert is_free(placing, sizes)
    assert len(placing.routes) == len(links_of(text))


def test_nothing_is_placed_of_nothing() -> None:
    assert place({}, links_of("ab")) == Placing({}, [[]])


@given(
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9).map(block_size)),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=40),
)
def test_any_graph_is_placed_on_the_grid_and_always_alike(
    sizes: dict[str, Size], links: list[Link]
) -> None:
    placing = place(sizes, links)
    assert placing == place(sizes, links)
    assert set(placing.positions) == set(sizes)
    assert is_free(placing, sizes)
    for x, y in placing.positions.values():
        assert x >= 0 <= y
        assert x % GRID == 0 == y % GRID


def test_the_largest_design_is_placed() -> None:
    names = [f"b{number}" for number in range(200)]
    sizes = dict.fromkeys(names, block_size(2))
    links = [(names[n], names[n + k]) for n in range(195) for k in range(1, 6)]
    assert is_free(place(sizes, links), sizes)
