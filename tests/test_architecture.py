"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("designs", "executor", "deployments", "orchestra", "tests", "benchmarks")
PLAIN = ("designs.graph", "designs.patterns", "executor.engine")
MAX_FILE_LENGTH, MAX_TEST_LENGTH = 400, 200

# What lets text become markup or script, in a template.
UNSAFE_IN_TEMPLATES = {
    "the filter safe": r"\|\s*safe(seq)?\b",
    "autoescape off": r"autoescape\s+off",
    "a style attribute": r"\sstyle\s*=",
    "a style element": r"<style\b",
    "hx-on": r"\shx-on\b|\sdata-hx-on\b",
    "an inline handler": r"\son[a-z]+\s*=",
    "a script of its own": r"<script(?![^>]*\bsrc=)(?![^>]*application/json)",
    "a javascript: address": r"javascript:",
    "hx-vals with js:": r"hx-(vals|headers)\s*=\s*[\"']\s*js:",
}


def python_files(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts and "node_modules" not in path.parts
    ]


def template_files() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.html")) if ".venv" not in path.parts]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_too_long():
    long = {}
    for path in python_files(*OURS) + template_files():
        lines = len(path.read_text().splitlines())
        limit = MAX_TEST_LENGTH if path.name.startswith("test_") else MAX_FILE_LENGTH
        if lines > limit:
            long[name(path)] = lines
    assert not long, "split these by subject"


def test_files_are_not_named_for_odds_and_ends():
    odd = {"utils.py", "helpers.py", "misc.py", "common.py", "views2.py"}
    assert not [name(path) for path in python_files(*OURS) if path.name in odd]


@pytest.mark.parametrize("path", python_files(*OURS), ids=name)
def test_a_module_says_its_job_in_its_first_line(path):
    text = path.read_text()
    if text.strip():
        words = ast.get_docstring(ast.parse(text))
        assert words, "begin with one line that says the module's single job"


# Names under which the rows of blocks go, which have a status of their own.
ROWS_OF_BLOCKS = {"row", "block", "block_result"}


def writes_a_status(tree: ast.AST) -> list[int]:
    """Lines that assign `.status`, or pass `status=` to a queryset's update."""
    lines = []
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        lines += [
            target.lineno
            for target in targets
            if isinstance(target, ast.Attribute)
            and target.attr == "status"
            and ast.unparse(target.value) not in ROWS_OF_BLOCKS
        ]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            words = {word.arg for word in node.keywords}
            if node.func.attr in ("update", "aupdate") and "status" in words:
                lines.append(node.lineno)
    return lines


def test_only_one_module_changes_an_executions_status():
    found = {
        name(path): lines
        for path in python_files("executor", "orchestra")
        if path.name != "states.py" and "engine" not in path.parts
        if (lines := writes_a_status(ast.parse(path.read_text())))
    }
    assert not found, "move an execution by executor.states"


def test_the_search_for_status_changes_finds_them():
    seen = writes_a_status(ast.parse("run.status = 1\nrows.filter(pk=1).update(status=2)\na.b = 1"))
    assert seen == [1, 2]
    assert not writes_a_status(ast.parse("row.status = 1; rows.filter(status=2)"))


def test_nothing_marks_text_as_safe():
    found = [
        name(path)
        for path in python_files("designs", "executor", "deployments", "orchestra")
        if re.search(r"\b(mark_safe|SafeString|SafeText)\b|csrf_exempt", path.read_text())
    ]
    assert not found, "build markup with format_html, or in a template"


@pytest.mark.parametrize("what", UNSAFE_IN_TEMPLATES)
def test_templates_hold_no(what):
    pattern = re.compile(UNSAFE_IN_TEMPLATES[what], re.IGNORECASE)
    found = [
        f"{name(path)}:{number}"
        for path in template_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


@pytest.mark.parametrize("package", PLAIN)
def test_plain_folders_load_without_a_framework(package):
    """In a fresh interpreter, with every module of the folder: what is loaded is what they need."""
    program = f"""
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stdout))
    assert package.partition(".")[0] in loaded
    assert not loaded & {"django", "celery", "rest_framework", "redis", "psycopg", "orchestra"}


def reads_a_clock(tree: ast.AST) -> list[int]:
    """Lines that read how far a clock has gone: a module's of the library, or an event loop's."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.fullmatch(
            r"(.*\.)?(monotonic|perf_counter|process_time|thread_time)(_ns)?|(.*\W)?time\.time(_ns)?"
            r"|(.*loop\w*|.*loop\(\))\.time",
            ast.unparse(node.func),
        )
    ]


def test_no_test_measures_time():
    """Count what work costs (tests/counting.py), wait for what happens (tests/waiting.py)."""
    found = {
        name(path): lines
        for path in python_files("tests")
        if path.name.startswith("test_") and (lines := reads_a_clock(ast.parse(path.read_text())))
    }
    assert not found, "machines differ: a benchmark may measure, a test may not"


def test_the_search_for_clocks_finds_them():
    for words in ("time.monotonic()", "perf_counter()", "time.time()", "time.process_time_ns()",
                  "asyncio.get_running_loop().time()", "loop.time()"):  # fmt: skip
        assert reads_a_clock(ast.parse(f"a = 1\nb = {words} + 1")) == [2]
    assert not reads_a_clock(ast.parse("row.time(); datetime.now(); a.time = 1; timezone.now()"))


def test_the_environment_has_one_reader():
    found = [
        name(path)
        for path in python_files("designs", "executor", "deployments")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    ]
    assert not found
