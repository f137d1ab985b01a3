# SPDX-License-Identifier: GPL-3.0-or-later
"""A training run can be killed at any time and continues from its checkpoint."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from server.training import run
from server.training.run import TrainingRun, learning_rate


def batches(count: int = 4) -> Iterator[dict]:
    for seed in itertools.count():
        yield {"x": torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))}


class Killed(BaseException):
    """Stands for kill -9."""


def test_a_killed_run_goes_on_from_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHECKPOINT_SECONDS", -1)
    first = TrainingRun(tmp_path, {"line": torch.nn.Linear(3, 1)}, 1e-2)

    def loss(batch: dict) -> torch.Tensor:
        if first.step == 5:
            raise Killed
        if first.step == 3:
            monkeypatch.setattr(run, "CHECKPOINT_SECONDS", 300)
        return first.modules["line"](batch["x"]).square().mean()

    with pytest.raises(Killed):
        first.train(batches(), loss, minutes=1)
    first.checkpoint.with_suffix(".tmp").write_bytes(b"half")
    with first.log.open("a") as log:
        log.write("6,24,0.1,0.1,0.1\n7,2")

    line = torch.nn.Linear(3, 1)
    second = TrainingRun(tmp_path, {"line": line}, 1e-2)
    assert second.step == 3 and second.samples == 12
    pictures = []

    def picture() -> np.ndarray:
        pictures.append(second.step)
        return np.zeros((8, 8, 3), np.uint8)

    second.train(batches(), lambda batch: line(batch["x"]).square().mean(), 1, steps=6, picture=picture)
    assert [int(row.split(",")[0]) for row in second.log.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]
    assert pictures == [6] and (tmp_path / "samples" / "000006.png").is_file()


def test_accumulated_batches_are_one_step(tmp_path: Path) -> None:
    weights = []
    for count, accumulate in ((8, 1), (4, 2)):
        torch.manual_seed(0)
        line = torch.nn.Linear(3, 1)
        whole = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
        parts = itertools.cycle({"x": part} for part in whole.split(count))
        training = TrainingRun(tmp_path / str(accumulate), {"line": line}, 1e-1, accumulate=accumulate)
        training.train(parts, lambda batch, line=line: line(batch["x"]).square().mean(), 1, steps=3)
        assert training.samples == 24
        weights.append(line.weight.detach())
    assert torch.allclose(*weights, atol=1e-6)


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_checkpoint(tmp_path: Path) -> None:
    line = torch.nn.Linear(3, 1)
    training = TrainingRun(tmp_path, {"line": line}, 1e-2)
    training.train(batches(), lambda batch: line(batch["x"]).square().mean(), 1, steps=1)
    with pytest.raises(FloatingPointError, match="lower --rate"):
        training.train(batches(), lambda batch: line(batch["x"]).mean() * float("nan"), 1, steps=2)
    stored = torch.load(training.checkpoint, weights_only=True)
    assert stored["step"] == 1 and stored["modules"]["line"]["weight"].isfinite().all()


def test_the_learning_rate_rises_over_the_warm_up_and_falls_to_a_tenth() -> None:
    assert [learning_rate(step, 0) for step in (0, 49, 99, 500)] == [0.01, 0.5, 1, 1]
    assert [learning_rate(500, share) for share in (0, 0.5, 1)] == pytest.approx([1, 0.55, 0.1])


def test_a_resumed_run_goes_on_with_its_averages(tmp_path: Path) -> None:
    line = torch.nn.Linear(3, 1)
    first = TrainingRun(tmp_path, {"line": line}, 1e-1)
    first.train(batches(), lambda batch: line(batch["x"]).square().mean(), 1, steps=3)
    other = torch.nn.Linear(3, 1)
    second = TrainingRun(tmp_path, {"line": other}, 1e-1)
    for run_, module in ((first, line), (second, other)):
        assert run_.averages["line"].optimization_step == 3
        run_.load_averages()
        assert torch.equal(module.weight, first.averages["line"].shadow_params[0])


def test_a_checkpoint_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    first = TrainingRun(tmp_path, {"line": torch.nn.Linear(3, 1)}, 1e-2)
    first.save()
    stored = torch.load(first.checkpoint, weights_only=True)
    torch.save(stored | {"averages": {"line": first.modules["line"].state_dict()}}, first.checkpoint)
    with pytest.raises(ValueError, match="written by an earlier version, whose averages cannot be read"):
        TrainingRun(tmp_path, {"line": torch.nn.Linear(3, 1)}, 1e-2)


class Line(torch.nn.Linear):
    """A layer that can be written as models can."""

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir()
        torch.save(self.weight.detach().clone(), folder / "weight.pt")


def test_a_picture_that_memory_is_too_small_for_is_left_out_and_the_weights_are_written_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line(3, 1)
    training = TrainingRun(tmp_path / "line-run", {"line": line}, 1e-1)
    written: list[bool] = []

    def picture() -> np.ndarray:
        written.append((tmp_path / "line").exists())
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 18.00 GiB.")

    def loss(batch: dict) -> torch.Tensor:
        return line(batch["x"]).square().mean()

    training.train(batches(), loss, 1, steps=2, picture=picture, picture_minutes=0, target=tmp_path)
    assert written == [False, False, True]
    assert "there is no picture of step 2" in capsys.readouterr().err
    assert not (tmp_path / "line-run" / "samples").exists()
    average = training.averages["line"].shadow_params[0]
    assert torch.equal(torch.load(tmp_path / "line" / "weight.pt"), average)
    assert torch.equal(line.weight, average), "the last picture shows what was written"
