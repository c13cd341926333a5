"""A contract of import-linter: a package says in its `__init__.py` what others may use of it."""

from __future__ import annotations

import ast
import importlib.util
from typing import Any

import grimp
from importlinter import Contract, ContractCheck, fields, output


class FrontContract(Contract):
    """Modules outside a package import the package itself, or modules that its `__all__` names.

    Options: `packages`, the packages that have such a front, each with `__all__` in its
    `__init__.py`.
    """

    type_name = "front"

    packages = fields.ListField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        del verbose
        passed_by = [
            (importer, module)
            for package in self.packages  # type: ignore[attr-defined]
            for module in sorted(graph.find_descendants(package))
            if not _is_shown(package, module)
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not f"{importer}.".startswith(f"{package}.")
        ]
        return ContractCheck(kept=not passed_by, metadata={"passed_by": passed_by})

    def render_broken_contract(self, check: ContractCheck) -> None:
        passed_by: list[tuple[str, str]] = check.metadata["passed_by"]
        for importer, module in passed_by:
            output.print_error(f"{importer} imports {module}, which its package keeps to itself.")
        output.print_error("Use what the package's __init__.py offers, or offer it there.")


def _is_shown(package: str, module: str) -> bool:
    first = module[len(package) + 1 :].split(".")[0]
    return first in names_shown(package)


def names_shown(package: str) -> set[str]:
    """What `__all__` of the package's `__init__.py` holds. Raises ValueError if it has none."""
    for node in ast.parse(_source_of(package)).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            value: Any = ast.literal_eval(node.value)
            return set(value)
    raise ValueError(f"{package}/__init__.py has no __all__")


def _source_of(package: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ValueError(f"{package} is not there")
    with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123
        return file.read()
