# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard for Grafana and the alarms for Prometheus name only metrics and labels that a server has."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from server.config import REPOSITORY

from .conftest import Site, SmallShot

DEPLOY = REPOSITORY / "docs" / "deploy"
OF_PROMETHEUS = {"up": {"job", "instance"}}
"""What Prometheus itself adds to every server."""
METRIC = re.compile(r"\b(up|(?:longanimation|process|python)_\w+)\b(?:{([^}]*)})?")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def dashboard_queries() -> Iterator[tuple[str, str]]:
    """Yield each query of the dashboard, and the text that names its lines."""
    panels = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))["panels"]
    yield from ((target["expr"], target["legendFormat"]) for panel in panels for target in panel["targets"])


def alarms() -> Iterator[tuple[str, str]]:
    """Yield each alarm's expression, and its sentence."""
    groups = yaml.safe_load((DEPLOY / "alarms.yml").read_text(encoding="utf-8"))["groups"]
    yield from ((rule["expr"], rule["annotations"]["summary"]) for group in groups for rule in group["rules"])


@pytest.fixture
def labels_by_metric(site: Site, shot: SmallShot, start_worker: Callable[[], Any]) -> dict[str, set[str]]:
    """The metrics of a server with a worker, a finished job and a paused queue, and the labels of each."""
    start_worker()
    site.wait_for_state(site.submit(shot), "done")
    text = site.session.get(f"{site.root}/metrics", timeout=30).text
    found: dict[str, set[str]] = defaultdict(set, {name: set(labels) for name, labels in OF_PROMETHEUS.items()})
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] |= {"job", "instance", *sample.labels}
    return found


def test_every_metric_and_label_is_one_of_the_server_s(labels_by_metric: dict[str, set[str]]) -> None:
    queries = [*dashboard_queries(), *alarms()]
    assert len(queries) > 20
    for expression, shown in queries:
        metrics = METRIC.findall(expression)
        assert metrics and {name for name, _ in metrics} <= labels_by_metric.keys(), expression
        for name, selector in metrics:
            assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= labels_by_metric[name], expression
        known = set.union({"queue"}, *(labels_by_metric[name] for name, _ in metrics))
        grouped = {one.strip() for group in GROUPING.findall(expression) for one in group.split(",")}
        named = set(re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", shown))
        assert grouped | named <= known, expression


def test_every_metric_of_the_server_s_own_is_explained_and_shown(labels_by_metric: dict[str, set[str]]) -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    own = {name for name in labels_by_metric if name.startswith("longanimation_") and not name.endswith("_created")}
    stems = {re.sub(r"_(bucket|count|sum)$", "", name) if "seconds" in name else name for name in own}
    explained = {name.replace("device_memory_free_bytes", "device_memory_bytes") for name in stems}
    assert not [name for name in explained if f"`{name}`" not in page]
    shown = " ".join(expression for expression, _ in dashboard_queries())
    assert not [name for name in stems - {"longanimation_blobs"} if name not in shown]
