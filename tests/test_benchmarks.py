# SPDX-License-Identifier: GPL-3.0-or-later
"""Every benchmark runs and keeps to the conventions of `benchmarks/measure.py`."""

import json
import math
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load.__main__ import main as load

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "benchmarks"
BENCHMARKS = sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef main(" in path.read_text(encoding="utf-8"))


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif not isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_prints_one_json_line_of_finite_ratios(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    import_module(f"benchmarks.{name}").main(["--quick"])
    (line,) = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert {"benchmark", "size"} < result.keys()
    assert all(math.isfinite(number) for number in numbers(result))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_explains_its_sizes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        import_module(f"benchmarks.{name}").main(["--help"])
    shown = capsys.readouterr().out
    usage, _, _ = shown.partition("\n\n")
    options = set(re.findall(r"--[a-z]+", usage))
    assert options >= {"--size", "--quick"}
    for option in options:
        assert shown.count(option) >= 2, "each is listed; what the sizes mean is in the docstring"


def test_under_load_nothing_is_lost_and_every_request_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "reports" / "load.json"
    load(["--quick", "--json", str(report)])
    result = json.loads(report.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == result
    sizes, many = result["sizes"], result["many"]
    assert many["states"] == {"done": sizes["clients"] * sizes["jobs"]}
    assert many["lost"] == many["errors"] == result["computing"]["errors"] == 0, many["first_errors"]
    drawings = many["jobs"] * sizes["drawings"]
    counts = {endpoint: times["count"] for endpoint, times in many["endpoints"].items()}
    assert counts["PUT /blobs"] == drawings + many["jobs"], "no drawing or keyframe is like another one"
    assert counts["GET /jobs/<id>/frames/<n>.png"] == drawings
    assert sum(counts.values()) == many["requests"]
    assert result["upload"]["endpoints"]["PUT /blobs"]["count"] == sizes["uploads"]
    assert {"many", "upload", "computing", "machine", "met"} < result.keys()
