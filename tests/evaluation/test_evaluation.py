# SPDX-License-Identifier: GPL-3.0-or-later
"""The command writes its tables, continues where it stopped, and never shows a number that was not measured."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from server.evaluation import cli, methods
from server.evaluation.clip import read_clip
from server.evaluation.measures import ClipTruth
from server.evaluation.perceptual import PerceptualMetrics, load_perceptual_metrics
from server.evaluation.results import ClipResult, ResultFolder, Settings
from server.evaluation.summary import summarize
from server.evaluation.tables import markdown
from server.image_codec import encode_png
from server.training.cartoon import draw_clip
from tests.evaluation.test_clips import arguments

pytestmark = pytest.mark.slow

DRAWINGS, HOLD = 9, 2


def write_clip(folder: Path, seed: int) -> Path:
    """A cartoon of nine drawings on twos, frames from 1."""
    clip = draw_clip(seed, DRAWINGS, 96, 64)
    for name in ("lineart", "color"):
        (folder / name).mkdir(parents=True)
    for frame in range(DRAWINGS * HOLD):
        art, labels = clip.line_art[frame // HOLD], clip.labels[frame // HOLD]
        painting = (clip.colors[labels] * (art[..., None] / 255)).round().astype(np.uint8)
        (folder / "lineart" / f"{1 + frame:04}.png").write_bytes(encode_png(art))
        (folder / "color" / f"{1 + frame:04}.png").write_bytes(encode_png(painting))
    return folder


@pytest.fixture
def clips(tmp_path) -> list[Path]:
    return [write_clip(tmp_path / name, seed) for name, seed in (("walk", 21), ("run", 22))]


@pytest.fixture
def colored(monkeypatch) -> list[str]:
    """Which methods colored a clip, in order."""
    calls: list[str] = []

    def counted(name: str, method: methods.Method) -> methods.Method:
        def color(task):
            calls.append(name)
            return method.color(task)

        return replace(method, color=color)

    for name, method in list(methods.METHODS.items()):
        monkeypatch.setitem(methods.METHODS, name, counted(name, method))
    return calls


def evaluate(tmp_path: Path, *words: object, methods: str = "hold") -> Path:
    output = tmp_path / "out"
    rest = ("--output", output, "--metric-weights", tmp_path / "none", "--methods", methods)
    assert cli.run(arguments(*map(str, (*words, *rest)))) == 0
    return output


def test_everything_is_written(tmp_path, clips):
    output = evaluate(tmp_path, *clips, "--at", "first", methods="hold,flow,flow-previous")
    tables = (output / "tables.md").read_text()
    assert "## Table 1" in tables and "## Table 2" not in tables
    (row,) = [line for line in tables.splitlines() if line.startswith("| keyframe held | –")]
    values = [cell.strip("* ") for cell in row.split("|")[2:-1]]
    assert [value == "–" for value in values] == [True, False, False, True, True] * 2
    assert all(f"- {metric} is not measured: put" in tables for metric in ("LPIPS", "FID", "FVD"))
    results = json.loads((output / "results.json").read_text())
    assert [clip["settings"]["keyframe"] for clip in results["clips"]] == [1, 1]
    psnr = results["clips"][0]["methods"]["hold"]["curves"]["psnr"]
    assert len(psnr) == DRAWINGS * HOLD and psnr[:2] == [None, None] and psnr[2] == psnr[3] > 5
    for name in ("sheet-walk.png", "sheet-run.png"):
        assert (output / name).read_bytes().startswith(b"\x89PNG")


def test_a_second_run_measures_only_what_is_new(tmp_path, clips, colored):
    evaluate(tmp_path, clips[0])
    assert colored == ["hold"]
    output = evaluate(tmp_path, *clips)
    assert colored == ["hold"] * 2  # that of the second clip
    whole = (output / "results.json").read_bytes()
    evaluate(tmp_path, *clips)
    assert len(colored) == 2 and (output / "results.json").read_bytes() == whole


def test_other_settings_or_a_changed_clip_are_measured_anew(tmp_path, clips, colored):
    evaluate(tmp_path, clips[0])
    evaluate(tmp_path, clips[0], "--at", "5")
    assert colored == ["hold"] * 2
    evaluate(tmp_path, clips[0], "--at", "5", methods="hold,flow")
    assert colored == ["hold", "hold", "hold", "flow"]
    painting = clips[0] / "color" / "0009.png"
    painting.write_bytes((clips[0] / "color" / "0001.png").read_bytes())
    evaluate(tmp_path, clips[0], "--at", "5")
    assert len(colored) == 5


def test_what_cannot_be_used_ends_with_a_sentence(tmp_path, clips, capsys):
    assert cli.run(arguments(str(clips[0]), "--at", "99")) == 2
    assert "from 1 to 18" in capsys.readouterr().err
    twin = write_clip(tmp_path / "elsewhere" / "walk", 23)
    assert cli.run(arguments(str(clips[0]), str(twin), "--output", str(tmp_path / "out"))) == 2
    assert "called walk" in capsys.readouterr().err
    assert cli.run(arguments(str(clips[0]), "--methods", "ours,theirs")) == 2
    assert "no method 'theirs'" in capsys.readouterr().err


class _Mean(torch.nn.Module):
    """A network of any metric: the mean color."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((-2, -1))


def test_features_give_fid_and_fvd_and_survive_the_disk(tmp_path, clips):
    mean = _Mean()
    metrics = PerceptualMetrics(inception=mean, i3d=lambda video: mean(video).mean(0))  # type: ignore[arg-type]
    done = []
    for path in clips:
        clip = read_clip(path / "lineart", path / "color")
        ruler = ClipTruth(clip, 0, metrics)
        measures, features = ruler.measure(clip.truth, 0.0)
        assert measures.color.mean_de == 0 and measures.areas == 1 and measures.flicker == 0
        wrong, wrong_features = ruler.measure([255 - frame for frame in clip.truth], 0.0)
        settings = Settings("tiny", "", "", 0, 1, ("ours", "hold"), metrics.titles)
        result = ClipResult(str(path), settings, clip.exposure.drawing_of, 0, {"ours": measures, "hold": wrong})
        store = ResultFolder(tmp_path / "clips")
        store.save(path.name, result, {"truth": ruler.truth_features(), "ours": features, "hold": wrong_features})
        done.append(store.load(path.name, settings))
        assert done[-1][0] == result
    ours, wrong = (summarize(done, method) for method in ("ours", "hold"))
    for term in (ours.short, ours.long):
        assert term.fid == pytest.approx(0, abs=1e-6) and term.fvd == pytest.approx(0, abs=1e-6)
        assert term.lpips is None
    assert wrong.long.fid > 0.001 and wrong.long.fvd > 0.001
    assert "FVD needs" not in markdown([each[0] for each in done], {"ours": ours}, {}, "")
    alone = summarize(done[:1], "ours")
    assert alone.long.fid is not None and alone.long.fvd is None
    assert "FVD needs at least two clips" in markdown([done[0][0]], {"ours": alone}, {}, "")


def test_an_ablation_that_was_not_run_is_a_dash(clips):
    clip = read_clip(clips[0] / "lineart", clips[0] / "color")
    measures, _ = ClipTruth(clip, 0, load_perceptual_metrics(clips[0])).measure(clip.truth, 0.0)
    settings = Settings("tiny", "", "", 0, 1, ("dglm",), ())
    result = ClipResult("walk", settings, clip.exposure.drawing_of, 0, {"dglm": measures})
    tables = markdown([result], {"dglm": summarize([(result, {"truth": {}, "dglm": {}})], "dglm")}, {}, "")
    assert "| 3 | 0 + DGLM | – | 1.000 | 60.00 | – |" in tables
    assert "| 0 | SketchDiT | – | – | – | – |" in tables and "| 4 | 3 + CCR | – | – | – | – |" in tables
    assert "| fusion from t_st = 20 | – | 1.000 | 60.00 | – |" in tables
