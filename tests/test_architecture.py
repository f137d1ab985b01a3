# SPDX-License-Identifier: GPL-3.0-or-later
"""The import arrows of docs/architecture.md: imports point one way."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("shared", "blender_addon", "server")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# What a package may import of ours. "server" alone is the package's version, not what lies in it.
ARROWS = {
    "shared": {"shared"},
    "blender_addon": {"blender_addon", "shared"},
    "server.longanimation": {"server.longanimation", "shared"},
    "server.line_art": {"server.line_art"},
    "server.matching": {"server.matching", "server.line_art"},
    "server.colorize": {
        "server.colorize",
        "server.longanimation",
        "server.line_art",
        "server.matching",
        "server.images",
        "shared",
    },
    "server.training": {
        "server.training",
        "server.longanimation",
        "server.line_art",
        "server.matching",
        "server.colorize",
        "shared",
    },
    "server.evaluation": {
        "server.evaluation",
        "server.longanimation",
        "server.line_art",
        "server.colorize",
        "server.images",
        "shared",
    },
    "server.storage": {"server.storage", "server.config", "shared"},
    "server.images": {"shared"},
    "server.video": {"shared"},
    "server.archive": set(),
    "server.tls": {"server.config"},
    "server.logs": {"shared"},
    "server.problems": {"server.storage", "shared"},
    "server.models": {"server.models", "server.longanimation", "server.colorize.presets", "shared"},
    "server.jobs": {
        "server.jobs",
        "server.storage",
        "server.colorize",
        "server.images",
        "server.logs",
        "server.config",
        "server.problems",
        "shared",
    },
    "server.api": {
        "server.api",
        "server.jobs.client",
        "server.storage",
        "server.colorize.presets",
        "server.colorize.finishing",  # how lines lie on colours
        "server.images",
        "server.video",
        "server.archive",
        "server.logs",
        "server.config",
        "server.problems",
        "server",
        "shared",
    },
    "server.web": {
        "server.web",
        "server.api",
        "server.jobs.client",
        "server.storage",
        "server.images",
        "server.problems",
        "server.security",
        "server",
        "shared",
    },
}

# Packages of others that may not come in: a model must run without HTTP, jobs or Blender around it.
OUTSIDERS = {
    "server": {"bpy"},
    "server.longanimation": {"bpy", "flask", "waitress", "dbos", "sqlalchemy", "requests"},
    "server.line_art": {"bpy", "flask", "torch", "waitress", "dbos", "sqlalchemy", "requests"},
    "server.matching": {"bpy", "flask", "waitress", "dbos", "sqlalchemy", "requests"},
    "server.colorize": {"bpy", "flask", "waitress", "dbos", "sqlalchemy", "requests"},
    "server.api": {"bpy", "torch", "diffusers", "transformers"},
    "server.web": {"bpy", "torch", "diffusers", "transformers", "sqlalchemy"},
    "server.storage": {"bpy", "torch", "flask"},
}

# What every Blender has on board; the extension may use nothing else.
IN_BLENDER = {
    *("addon_utils", "bl_operators", "bl_ui", "blf", "bpy", "bpy_extras", "gpu", "mathutils"),
    *("numpy", "requests", "urllib3"),
}


def module_name(path: Path) -> str:
    """Return the dotted name of a file of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imports(path: Path, at_start_only: bool = False) -> Iterator[str]:
    """Yield the absolute names of what a file imports, modules as exactly as known.

    at_start_only: leave out what is imported inside functions, which is loaded only when they are called.
    """
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            base = base.replace("blender_addon.shared", "shared")  # the build copies it there
            yield from (f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names)
        elif not (at_start_only and _is_not_run_at_start(node)):
            pending.extend(ast.iter_child_nodes(node))


def _is_not_run_at_start(node: ast.AST) -> bool:
    for_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return for_types or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def lies_in(name: str, package: str) -> bool:
    """Tell whether a module is `package` or lies in it ("server" stands only for itself)."""
    return name == package or (package != "server" and name.startswith(f"{package}."))


@pytest.mark.parametrize("package", ARROWS)
def test_a_package_imports_only_what_its_arrows_point_at(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if lies_in(name, package)
        for imported in imports(path)
        if imported.split(".")[0] in (*PACKAGES, "tests", "install")
        and not any(lies_in(imported, allowed) for allowed in ARROWS[package])
    ]
    assert not wrong


@pytest.mark.parametrize("package", OUTSIDERS)
def test_a_package_stays_free_of_what_is_not_its_business(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if f"{name}.".startswith(f"{package}.")
        for imported in imports(path)
        if imported.split(".")[0] in OUTSIDERS[package]
    ]
    assert not wrong


def test_shared_uses_only_the_standard_library() -> None:
    used = {imported.split(".")[0] for path in (ROOT / "shared").rglob("*.py") for imported in imports(path)}
    assert used - {"shared"} <= sys.stdlib_module_names


def test_the_extension_uses_only_what_blender_has_on_board() -> None:
    used = {imported.split(".")[0] for path in (ROOT / "blender_addon").rglob("*.py") for imported in imports(path)}
    assert used - {"shared", "blender_addon"} <= sys.stdlib_module_names | IN_BLENDER


def test_timing_planning_and_naming_are_pure() -> None:
    pure = [path for path in FILES if path.stem in ("timing", "plan", "planning", "naming", "digests", "protocol")]
    impure = {"bpy", "torch", "flask"}
    assert pure
    assert not [path for path in pure if impure & {imported.split(".")[0] for imported in imports(path)}]


def test_starting_the_api_loads_neither_workflows_nor_the_model() -> None:
    loaded: set[str] = set()
    pending = ["server.app"]
    while pending:
        name = pending.pop()
        if name in MODULES and name not in loaded:
            pending.extend(imports(MODULES[name], at_start_only=True))
        loaded.add(name)
    assert {"server.api.jobs", "server.jobs.client"} <= loaded
    heavy = {"torch", "diffusers", "transformers", "server.longanimation", "server.jobs.workflow", "server.jobs.worker"}
    assert not loaded & heavy


def test_no_file_is_imported_in_a_circle() -> None:
    graph = {
        name: {imported for imported in imports(path, at_start_only=True) if imported in MODULES} - {name}
        for name, path in MODULES.items()
    }
    while leaves := {name for name, needed in graph.items() if not needed & graph.keys()}:
        graph = {name: needed for name, needed in graph.items() if name not in leaves}
    assert not graph, f"these import each other: {sorted(graph)}"
