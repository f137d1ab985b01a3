# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a training run for people: a table, TensorBoard's files and pictures."""

import csv
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from torch.utils.tensorboard import SummaryWriter

from server.files import write_file

FLUSH_STEPS = 10
"""The number of steps after which the log is written to the disk."""


class RunLog:
    """Writes `table` and, in `folder`, TensorBoard's files and `samples/STEP.png`.

    step: the last step of the checkpoint. A killed run repeats the steps after it, so their rows are removed.
    """

    def __init__(self, folder: Path, table: Path, step: int) -> None:
        self.folder = folder
        _drop_rows_after(table, step)
        self.file = table.open("a", newline="")
        self.table = csv.writer(self.file)
        self.board = SummaryWriter(folder / "tensorboard", purge_step=step + 1)

    def write(
        self,
        step: int,
        samples: int,
        loss: float,
        norm: float,
        rate: float,
        seconds: float,
        measures: Mapping[str, float],
    ) -> None:
        """Log a step."""
        row = [step, samples, f"{loss:.5f}", f"{norm:.3f}", f"{seconds:.1f}"]
        self.table.writerow(row + [f"{value:.5f}" for value in measures.values()])
        for name, value in {"loss": loss, "norm": norm, "rate": rate, **measures}.items():
            self.board.add_scalar(name, value, step)
        if step % FLUSH_STEPS == 0:
            self.flush()

    def show(self, step: int, picture: np.ndarray) -> None:
        """Log a picture, RGB uint8 [H, W, 3]."""
        folder = self.folder / "samples"
        folder.mkdir(exist_ok=True)
        coded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
        (folder / f"{step:06}.png").write_bytes(coded.tobytes())
        self.board.add_image("samples", picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Write what is buffered."""
        self.file.flush()
        self.board.flush()

    def close(self) -> None:
        """Write what is buffered and close the files."""
        self.file.close()
        self.board.close()


def _drop_rows_after(table: Path, step: int) -> None:
    """Remove the rows after a step from a table that may not exist; the last row may be incomplete."""
    if table.exists():
        rows = [line for line in table.read_text().splitlines() if line.count(",") >= 4]
        kept = [row for row in rows if int(row.split(",")[0]) <= step]
        write_file(table, "".join(f"{row}\n" for row in kept).encode())
