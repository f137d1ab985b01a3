# SPDX-License-Identifier: GPL-3.0-or-later
"""The import arrows of docs/architecture.md: imports point one way."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("shared", "blender_addon", "server", "benchmarks")
FILES = sorted([ROOT / "install.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))])
OURS = {*PACKAGES, "install", "tests"}

# The cells, and what the modules of each may import beside those of their own cell: other cells, or single modules.
# A module lies in the cell with the longest name that its own name begins with. "server" and "blender_addon" are only
# the packages themselves.
ARROWS = {
    "shared": set(),
    "shared.checks": set(),
    "shared.remote": {"shared"},
    "install": {"server.environments", "server.extension_build"},
    "benchmarks": {
        *("server.coloring", "server.coloring.matching", "server.config", "server.engines"),
        *("server.images", "server.jobs", "server.longanimation", "server.presets", "server.storage"),
        *("server.training", "server.demo", "server.demo.in_blender", "server.extension_build", "shared"),
        *("server.http.tls", "server.http.wsgi_server"),
    },
    # The extension, from what it shows down to what it stands on.
    "blender_addon": {
        *("blender_addon.cli", "blender_addon.handlers", "blender_addon.keymap", "blender_addon.operators"),
        *("blender_addon.panels", "blender_addon.preferences", "blender_addon.properties"),
        *("blender_addon.translations", "blender_addon.manual"),
    },
    "blender_addon.cli": {
        *("blender_addon.take_manager", "blender_addon.operators", "blender_addon.properties", "blender_addon.shot"),
        *("blender_addon.blend_file", "blender_addon.remote", "blender_addon.takes", "blender_addon.preferences"),
        "shared",
    },
    "blender_addon.operators": {
        *("blender_addon.take_manager", "blender_addon.properties", "blender_addon.shot", "blender_addon.blend_file"),
        *("blender_addon.checks", "blender_addon.remote", "blender_addon.sequencer", "blender_addon.takes"),
        *("blender_addon.preferences", "blender_addon.notices", "blender_addon.translations", "blender_addon.compat"),
        *("blender_addon.fills", "blender_addon.png_pixels", "blender_addon.internals"),
        *("blender_addon.widgets", "shared", "shared.remote"),
    },
    "blender_addon.panels": {
        *("blender_addon.take_manager", "blender_addon.properties", "blender_addon.shot", "blender_addon.blend_file"),
        *("blender_addon.remote", "blender_addon.sequencer", "blender_addon.takes", "blender_addon.preferences"),
        *("blender_addon.widgets", "blender_addon.translations", "blender_addon.compat", "blender_addon.checks"),
        *("blender_addon.notices", "blender_addon.manual", "shared", "shared.remote"),
    },
    "blender_addon.keymap": set(),
    "blender_addon.manual": set(),
    "blender_addon.handlers": {
        *("blender_addon.take_manager", "blender_addon.blend_file", "blender_addon.remote"),
        *("blender_addon.preferences", "blender_addon.compat", "blender_addon.notices", "shared"),
    },
    "blender_addon.properties": {
        *("blender_addon.take_manager", "blender_addon.shot", "blender_addon.preferences", "shared"),
    },
    "blender_addon.take_manager": {
        *("blender_addon.blend_file", "blender_addon.checks", "blender_addon.remote", "blender_addon.sequencer"),
        *("blender_addon.takes", "blender_addon.preferences", "blender_addon.compat"),
        *("blender_addon.internals", "blender_addon.notices", "blender_addon.widgets", "shared"),
    },
    "blender_addon.blend_file": {
        *("blender_addon.sequencer", "blender_addon.takes", "blender_addon.preferences", "blender_addon.compat"),
    },
    "blender_addon.shot": {
        *("blender_addon.takes", "blender_addon.compat", "blender_addon.png_pixels", "blender_addon.png"),
        *("blender_addon.internals", "blender_addon.compositing", "shared", "shared.checks"),
    },
    "blender_addon.checks": {
        *("blender_addon.takes", "blender_addon.png_pixels", "blender_addon.compositing", "shared", "shared.checks"),
    },
    "blender_addon.remote": {"blender_addon.takes", "blender_addon.files", "shared", "shared.remote"},
    "blender_addon.sequencer": {
        *("blender_addon.takes", "blender_addon.compat", "blender_addon.png", "blender_addon.internals", "shared"),
    },
    "blender_addon.fills": {
        *("blender_addon.contours", "blender_addon.takes", "blender_addon.shot", "blender_addon.compat", "shared"),
    },
    "blender_addon.takes": {
        *("blender_addon.png_pixels", "blender_addon.compositing", "blender_addon.contours"),
        *("blender_addon.files", "shared", "shared.checks"),
    },
    "blender_addon.preferences": {
        *("blender_addon.remote.repository", "blender_addon.widgets", "blender_addon.translations"),
        *("blender_addon.compat", "blender_addon.manual", "shared", "shared.remote"),
    },
    "blender_addon.widgets": {"blender_addon.notices", "blender_addon.translations"},
    "blender_addon.notices": {"shared"},
    "blender_addon.translations": {"shared"},
    "blender_addon.png_pixels": {"blender_addon.png", "blender_addon.files", "shared"},
    "blender_addon.contours": {"shared.checks"},
    "blender_addon.files": set(),
    "blender_addon.png": set(),
    "blender_addon.compositing": set(),
    "blender_addon.compat": set(),
    "blender_addon.internals": set(),
    # The server, from its command line down to what it stands on.
    "server": set(),
    "server.__main__": {"server.cli"},
    "server.cli": {
        *("server.http.server_process", "server.jobs", "server.doctor", "server.coloring", "server.storage"),
        *("server.presets.preset", "server.processors", "server.config", "server.logs"),
    },
    "server.client": {
        *("server.coloring", "server.images", "server.files", "server.config", "shared", "shared.remote"),
    },
    "server.doctor": {
        *("server", "server.http.tls", "server.storage", "server.coloring", "server.coloring.matching"),
        *("server.presets", "server.longanimation", "server.config", "server.logs"),
    },
    "server.http": set(),
    "server.http.server_process": {
        *("server.http.app", "server.http.api", "server.http.dashboard", "server.http.security", "server.http.tls"),
        *("server.http.wsgi_server", "server.jobs.housekeeping", "server.jobs.supervisor", "server.jobs.webhooks"),
        *("server.storage", "server.config", "server.processors", "server.arenas"),
    },
    "server.http.app": {
        *("server.http.api", "server.http.dashboard", "server.http.security", "server.http.problems"),
        *("server.jobs.client", "server.jobs.films", "server.storage", "server.config"),
    },
    "server.http.dashboard": {
        *("server", "server.http.api", "server.http.problems", "server.http.security", "server.http.slots"),
        *("server.jobs.client", "server.storage", "server.images", "shared"),
    },
    "server.http.api": {
        *("server", "server.http.problems", "server.http.archive", "server.http.slots", "server.jobs.client"),
        "server.jobs.films",
        *("server.storage", "server.presets.preset", "server.coloring.line_art", "server.images", "server.config"),
        *("server.logs", "shared", "shared.checks"),
    },
    "server.http.security": {"server.http.problems", "server.storage", "server.config", "shared"},
    "server.http.problems": {"server.storage", "shared"},
    "server.http.tls": {"server.config"},
    "server.http.wsgi_server": {"server.http.listener"},
    "server.http.listener": {"server.http.channel", "shared"},
    "server.http.channel": {"server.http.problems", "shared"},
    "server.http.archive": set(),
    "server.http.slots": {"server.http.problems"},
    "server.jobs": {
        *("server.coloring", "server.coloring.line_art", "server.presets.preset", "server.storage"),
        *("server.images", "server.config", "server.logs", "shared", "shared.checks"),
    },
    "server.storage": {"server.config", "shared", "server.files"},
    # The demonstration: its command, and what it does in the Blender that this starts.
    "server.demo": {
        *("server.evaluation", "server.coloring", "server.extension_build", "server.images", "shared"),
    },
    "server.demo.in_blender": {"server.demo"},
    "server.evaluation": {
        *("server.coloring", "server.coloring.line_art", "server.longanimation", "server.presets.preset"),
        *("server.images", "shared"),
        "server.files",
    },
    "server.training": {
        *("server.coloring", "server.coloring.line_art", "server.coloring.matching", "server.longanimation"),
        *("server.presets.preset", "server.presets.published_extractor"),
        *("server.files", "shared"),
    },
    "server.coloring": {
        *("server.coloring.line_art", "server.coloring.matching", "server.engines", "server.longanimation"),
        *("server.presets.preset", "server.images", "shared", "shared.checks"),
        "server.files",
    },
    "server.layers": {"server.images", "server.files"},
    "server.engines": {"server.longanimation"},
    "server.coloring.matching": {"server.coloring.line_art"},
    "server.coloring.line_art": {"shared", "shared.checks"},
    "server.presets": {"server.longanimation", "shared"},
    "server.longanimation": {"server.files"},
    "server.images": {"server.files"},
    "server.extension_build": {"server.files"},
    "server.files": set(),
    "server.processors": set(),
    "server.arenas": set(),
    "server.environments": set(),
    "server.logs": set(),
    "server.config": {"shared"},
}

# Packages of others that may not come in: a model must run without HTTP, jobs or Blender around it.
OUTSIDERS = {
    "server": {"bpy"},  # but for what the demonstration does in the Blender that it starts
    "server.longanimation": {"bpy", "flask", "waitress", "dbos", "sqlalchemy", "requests"},
    "server.coloring": {"bpy", "flask", "waitress", "dbos", "sqlalchemy", "requests"},
    "server.coloring.line_art": {"torch"},
    "server.http": {"bpy", "torch", "diffusers", "transformers"},
    "server.http.dashboard": {"sqlalchemy"},
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


def cell_of(name: str) -> str:
    """Return the cell that a module lies in, "" for none."""
    parents = [name, *(name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1))]
    whole = [parent for parent in parents if parent in ARROWS]
    return whole[0] if whole and (whole[0] == name or whole[0] not in ("server", "blender_addon")) else ""


def test_every_module_lies_in_a_cell() -> None:
    assert not [name for name in MODULES if not cell_of(name)]


def test_every_arrow_points_at_something_that_is_there() -> None:
    cells = {cell_of(name) for name in MODULES}
    assert cells == set(ARROWS)
    of_tests = {module_name(path) for path in (ROOT / "tests").rglob("*.py")}
    assert set().union(*ARROWS.values()) <= cells | MODULES.keys() | of_tests


@pytest.mark.parametrize("cell", ARROWS)
def test_a_cell_imports_only_what_its_arrows_point_at(cell: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if cell_of(name) == cell
        for imported in imports(path)
        if imported.split(".")[0] in OURS and not {cell_of(imported), imported} & {cell, *ARROWS[cell]}
    ]
    assert not wrong


@pytest.mark.parametrize("cell", ARROWS)
def test_no_arrow_is_without_use(cell: str) -> None:
    used = {
        target
        for name, path in MODULES.items()
        if cell_of(name) == cell
        for imported in imports(path)
        for target in (imported, cell_of(imported))
    }
    assert ARROWS[cell] <= used


@pytest.mark.parametrize("package", OUTSIDERS)
def test_a_package_stays_free_of_what_is_not_its_business(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if f"{name}.".startswith(f"{package}.") and cell_of(name) != "server.demo.in_blender"
        for imported in imports(path)
        if imported.split(".")[0] in OUTSIDERS[package]
    ]
    assert not wrong


def test_shared_uses_only_the_standard_library_but_for_its_checks_and_its_client() -> None:
    allowed = {"shared.checks": {"numpy"}, "shared.remote": {"requests", "urllib3"}}
    for path in (ROOT / "shared").rglob("*.py"):
        used = {imported.split(".")[0] for imported in imports(path)}
        others = allowed.get(cell_of(module_name(path)), set())
        assert used - {"shared"} <= sys.stdlib_module_names | others, path


def test_the_extension_uses_only_what_blender_has_on_board() -> None:
    used = {imported.split(".")[0] for path in (ROOT / "blender_addon").rglob("*.py") for imported in imports(path)}
    assert used - {"shared", "blender_addon"} <= sys.stdlib_module_names | IN_BLENDER


def test_what_blender_does_not_document_is_used_in_one_place() -> None:
    undocumented = {"_bpy", "addon_utils", "bl_operators", "bl_ui", "ctypes"}
    users = [
        name
        for name, path in MODULES.items()
        if name.startswith("blender_addon") and undocumented & {one.split(".")[0] for one in imports(path)}
    ]
    assert users == ["blender_addon.internals"]


def test_messages_timing_and_planning_are_pure() -> None:
    pure = [path for path in FILES if path.parent.name == "shared" or path.stem == "plan"]
    impure = {"bpy", "torch", "flask"}
    assert pure
    assert not [path for path in pure if impure & {imported.split(".")[0] for imported in imports(path)}]


def test_starting_the_api_loads_neither_workflows_nor_the_model() -> None:
    loaded: set[str] = set()
    pending = ["server.http.server_process"]
    while pending:
        name = pending.pop()
        if name in MODULES and name not in loaded:
            pending.extend(imports(MODULES[name], at_start_only=True))
        loaded.add(name)
    assert {"server.http.api.jobs", "server.jobs.client"} <= loaded
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
