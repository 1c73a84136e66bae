"""The house rules that a program can read from the source: who may import whom, and how long a file may be.

Invariant: nothing is imported to be judged. Imports inside functions, under TYPE_CHECKING, relative ones and those by
`import_module("a constant name")` count like any other; a name that is computed is a breach of its own.
Does not know: what the code does.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_FILE = 300
LONGEST_FUNCTION = 50

# What each room may import of ours. The command line is apart: it may start any room, when the command runs.
ROOMS: dict[str, frozenset[str]] = {
    "cli": frozenset({"cli", "gateway", "simulator", "streamlog", "telemetry", "worker"}),
    "gateway": frozenset({"gateway", "streamlog", "telemetry"}),
    "simulator": frozenset({"simulator"}),
    "streamlog": frozenset({"streamlog"}),
    "telemetry": frozenset({"telemetry"}),
    "worker": frozenset({"worker", "streamlog", "telemetry"}),
}

# What is touched in one place only, and the place.
KEPT_APART: dict[str, str] = {
    "anthropic": "worker/upstream",
    "arq": "worker/arq_worker.py",
    "fastapi": "gateway/",
    "fastapi_offline": "gateway/",
    "starlette": "gateway/",
}


@dataclass(frozen=True)
class Import:
    """One imported name, in full. `deferred`: it happens when a function runs."""

    name: str
    line: int
    deferred: bool


def sources(root: Path, *directories: str) -> Iterator[Path]:
    """Every Python file below these directories of `root`."""
    for directory in directories:
        yield from sorted((root / directory).rglob("*.py"))


def breaches(root: Path) -> list[str]:
    """Every import in the rooms below `root` that the house forbids, as `file:line: why`."""
    return [breach for path in sources(root, *ROOMS) for breach in _breaches_of(path, path.relative_to(root))]


def imports(tree: ast.Module, place: Path) -> Iterator[Import]:
    """All imports of a module; `from a import b` gives `a` and `a.b`."""
    deferred = {id(node) for function in _functions(tree) for node in ast.walk(function)}
    for node in ast.walk(tree):
        for name in _names(node, place):
            yield Import(name, getattr(node, "lineno", 0), id(node) in deferred)


def long_functions(tree: ast.Module) -> list[str]:
    """Name and length of every function that is longer than `LONGEST_FUNCTION` lines."""
    spans = [(function.name, (function.end_lineno or 0) - function.lineno + 1) for function in _functions(tree)]
    return [f"{name}: {length} lines" for name, length in spans if length > LONGEST_FUNCTION]


def _breaches_of(path: Path, place: Path) -> Iterator[str]:
    for imported in imports(ast.parse(path.read_bytes()), place):
        if why := _why_forbidden(imported, place):
            yield f"{place}:{imported.line}: {why}"


def _why_forbidden(imported: Import, place: Path) -> str | None:
    room, top = place.parts[0], imported.name.partition(".")[0]
    if imported.name == "?":
        return "the name of an imported module is computed"
    if top in ROOMS and top not in ROOMS[room]:
        return f"{room} imports {top}"
    if room == "cli" and top in ROOMS and top != "cli" and not imported.deferred:
        return f"cli imports {top} before a command runs"
    for name, home in KEPT_APART.items():
        if _is_in(imported.name, name) and not place.as_posix().startswith(home):
            return f"{name} is imported outside {home}"
    return None


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _names(node: ast.AST, place: Path) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            package = place.parts[:-level] if level else ()
            base = ".".join((*package, *([module] if module else [])))
            yield base
            yield from (f"{base}.{alias.name}" for alias in names)
        case ast.Call(func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module")):
            match node.args:
                case [ast.Constant(value=str(name)), *_]:
                    yield name
                case _:
                    yield "?"


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
