"""The admin of executions, their parts, requests and totals, and of model connections."""

from executor.admin import connection, decisions, execution, parts, totals

__all__ = ["connection", "decisions", "execution", "parts", "totals"]
