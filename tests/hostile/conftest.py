"""The option by which every page is opened."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-page",
        action="store_true",
        help="hostile texts: open every page, not a part that stands for all (minutes)",
    )
