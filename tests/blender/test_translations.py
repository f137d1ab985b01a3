# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text of the extension exists in every language.

Blender's module has no languages, so tests/blender/gui checks that they work in the window.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

Import = Callable[[str], ModuleType]

ADDON = Path(__file__).parents[2] / "blender_addon"
SHARED = ADDON.parent / "shared"
LANGUAGES = sorted(ADDON.glob("translations/*.json"))
BRITISH = re.compile(
    r"\b(\w*colour|grey|behaviour|neighbour|favour|centre|metre|cancelling|licence|analyse|"
    r"(recogn|organ|real|optim|initial|normal|minim|maxim|summar|synchron)ise)|(?<![`|])\bcancelled(?![`)])",
    re.IGNORECASE,
)
"""What is spelled otherwise in American English; `cancelled` is the name of a state in the API."""

SHOWN = {"name", "description", "text"}


def texts() -> set[str]:
    """The English texts: labels and tooltips of operators, panels and properties, and sentences."""
    files = [*ADDON.rglob("*.py"), *SHARED.rglob("*.py")]
    found = {text for path in files for text in _texts_in(ast.parse(path.read_text(encoding="utf-8")))}
    return {text for text in found if re.search(r"[A-Za-z]{2}", text)}


def _texts_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            labels = [one for one in node.body if isinstance(one, ast.Assign) and _is(one.targets[0], "bl_label")]
            yield from (text for one in labels for text in _constant(one.value))
            if "_OT_" in node.name:
                yield from filter(None, [ast.get_docstring(node)])
        elif isinstance(node, ast.Assign):  # choices that several properties share
            yield from _choices(node.value)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("TranslatableText", "translated"):
                yield from (text for one in node.args[:1] for text in _constant(one))
            if name == "Flaw":
                yield from (text for one in node.args[2:3] for text in _constant(one))
            for keyword in node.keywords:
                if keyword.arg == "text" or (name.endswith("Property") and keyword.arg in SHOWN):
                    yield from _constant(keyword.value)
                elif keyword.arg == "items":
                    yield from _choices(keyword.value)


def _choices(value: ast.expr) -> Iterator[str]:
    """The names and tooltips of a property's choices."""
    rows = value.elts if isinstance(value, ast.Tuple) else []
    for row in rows:
        if isinstance(row, ast.Tuple) and len(row.elts) >= 3 and all(_constant(part) for part in row.elts[:3]):
            yield from (text for part in row.elts[1:3] for text in _constant(part))


def _is(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _constant(value: ast.expr) -> list[str]:
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def test_the_usual_languages_are_there() -> None:
    assert {path.stem for path in LANGUAGES} >= {"es", "fr_FR", "ja_JP", "zh_HANS"}


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_text_is_translated_and_nothing_else_is_kept(path: Path) -> None:
    translations = json.loads(path.read_text(encoding="utf-8"))
    assert texts() - translations.keys() == set(), "not translated"
    assert translations.keys() - texts() == set(), "not used any more"
    assert [text for text in translations.values() if not text.strip()] == []


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_translations_have_the_same_places_to_fill(path: Path) -> None:
    for text, translation in json.loads(path.read_text(encoding="utf-8")).items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", translation)), text


def test_texts_are_in_american_english() -> None:
    """Blender's guide for interfaces asks for it. The templates are those of the server's pages."""
    pages = sorted((ADDON.parent / "server" / "http" / "dashboard" / "templates").glob("*.html"))
    spoken = {path.name: re.sub(r"{[{%].*?[%}]}", "", path.read_text(encoding="utf-8")) for path in pages}
    found = [(text, name) for name, text in [*spoken.items(), *((text, text) for text in texts())]]
    assert [name for text, name in found if BRITISH.search(text)] == []
    documents = [ADDON.parent / "README.md", *(ADDON.parent / "docs").glob("*.md")]
    assert [path.name for path in documents if BRITISH.search(path.read_text(encoding="utf-8"))] == []


def test_an_error_gives_back_the_sentence_that_it_was_raised_with(addon: Import) -> None:
    sentence, errors = addon("shared.translatable_text").TranslatableText, addon("shared.errors")
    for error in (
        errors.ShotError(sentence("a {b}", b=1)),
        errors.ServerError(sentence("a {b}", b=1), "token"),
        errors.RefusedError(sentence("a {b}", b=1), 401, "unauthorized"),
    ):
        assert type(str(error)) is sentence
        assert str(error) == "a 1"
        assert (str(error).template, str(error).values) == ("a {b}", {"b": 1})


def test_sentences_within_a_sentence_are_translated_and_names_stay(
    addon: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"{shot}: {problem}": "{problem} ({shot})", "no {thing}": "kein {thing}", "Scene": "Szene"}
    translations = SimpleNamespace(pgettext_rpt=lambda text: known.get(text, text))
    monkeypatch.setitem(sys.modules, "bpy", SimpleNamespace(app=SimpleNamespace(translations=translations)))
    sentence, translated = addon("shared.translatable_text").TranslatableText, addon("translations").translated
    problem = addon("shared.errors").ShotError(sentence("no {thing}", thing="Scene"))
    assert translated(sentence("{shot}: {problem}", shot="Scene", problem=str(problem))) == "kein Scene (Scene)"
