"""The admin of executions, their blocks, steps and totals, and of model connections."""

from executor.admin import connection, execution, parts, totals

__all__ = ["connection", "execution", "parts", "totals"]
