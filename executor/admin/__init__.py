"""The admin of runs: what happened, block by block and step by step, and with which models."""

from executor.admin import connection, execution, parts, totals

__all__ = ["connection", "execution", "parts", "totals"]
