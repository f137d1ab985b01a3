# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluation: every method colors every clip; the results are measured, stored and reported."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from server.coloring.numbered_files import FolderError, frame_files
from server.evaluation.clip import read_clip
from server.evaluation.contact_sheet import contact_sheet, spread
from server.evaluation.frequency import plot_frequency
from server.evaluation.measures import ClipTruth, Measures
from server.evaluation.methods import METHODS, TABLES, Task
from server.evaluation.perceptual import PerceptualMetrics
from server.evaluation.results import CLIP_RESULT, ClipFeatures, ClipResult, ResultFolder, Settings, stamp
from server.evaluation.summary import Evaluated, Summary, curve, summarize
from server.evaluation.tables import markdown
from server.presets.preset import Preset

if TYPE_CHECKING:
    from server.coloring.colorizer import Colorizer

SHEET_COLUMNS = 8


class Evaluation:
    """The clips measured so far, all in the same way.

    methods: names from `METHODS`; at: which frames are painted, see `find_keyframes`; output: the folder to write into,
    whose finished clips, by name, are reused; console: where progress is shown.
    """

    def __init__(
        self,
        methods: tuple[str, ...],
        preset: Preset,
        metrics: PerceptualMetrics,
        seed: int,
        at: str,
        output: Path | None,
        console: Console,
    ) -> None:
        self.methods = methods
        self.preset = preset
        self.metrics = metrics
        self.seed = seed
        self.at = at
        self.output = output
        self.console = console
        self.clips: list[tuple[ClipResult, ClipFeatures]] = []
        self._finished = ResultFolder(output / "clips") if output else None

    @property
    def results(self) -> list[ClipResult]:
        """The results of the clips, in order."""
        return [result for result, _ in self.clips]

    def add(self, folder: Path) -> None:
        """Measure a clip and keep its results, or reuse them if it was measured before.

        Raises FolderError or ImageError for a clip that cannot be read.
        """
        name = folder.resolve().name
        settings = Settings(
            preset=self.preset.name,
            model=stamp(self.preset.folder),
            clip=stamp(folder),
            seed=self.seed,
            keyframes=find_keyframes(folder, self.at),
            methods=self.methods,
            metrics=self.metrics.titles,
        )
        done = self._finished.load(name, settings) if self._finished else None
        if done is None:
            done = self._measure(folder, name, settings)
            if self._finished:
                self._finished.save(name, *done)
        else:
            self.console.print(f"{folder} was measured before.", markup=False, highlight=False)
        self.clips.append(done)

    def write(self) -> None:
        """Write `tables.md`, `results.json` and `frequency.png` over all clips, if an output folder was given."""
        if self.output:
            write_results(self.output, self.clips, self.metrics)
            self._plot(self.output / "frequency.png")

    def _measure(self, folder: Path, name: str, settings: Settings) -> tuple[ClipResult, ClipFeatures]:
        clip = read_clip(folder / "lineart", folder / "color")
        keyframes = tuple(dict.fromkeys(clip.drawing_at(number) for number in settings.keyframes))
        if len(keyframes) == len(clip.drawings):
            raise FolderError(f"{folder} shows no drawing besides the keyframes: there is nothing to color.")
        truth = ClipTruth(clip, self.metrics)
        chosen = spread(len(clip.drawings), SHEET_COLUMNS, keep=keyframes)
        rows = {"line art": [clip.drawings[index] for index in chosen]}
        measures: dict[str, Measures] = {}
        features: ClipFeatures = {"truth": truth.truth_features()}
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=self.console) as progress:
            for method in self.methods:
                bar = progress.add_task(f"{name}: {METHODS[method].title}", total=None)

                def show(segments: int, total: int, bar: TaskID = bar) -> None:
                    progress.update(bar, completed=segments, total=total)

                load = functools.partial(_load, settings.preset)
                if METHODS[method].model:
                    load()  # before the clock starts
                begin = perf_counter()
                colored = METHODS[method].color(Task(clip, keyframes, settings.seed, load, show))
                seconds = round(perf_counter() - begin, 2)
                sources = METHODS[method].sources(len(clip.drawings), keyframes)
                measures[method], features[method] = truth.measure(colored, sources, seconds)
                rows[METHODS[method].title] = [colored.frames[index] for index in chosen]
                progress.update(bar, completed=1, total=1)
        rows["truth"] = [clip.truth[index] for index in chosen]
        if self.output:
            headings = [f"frame {clip.numbers[clip.first_place_of(index)]}" for index in chosen]
            marked = [chosen.index(at) for at in keyframes if at in chosen]
            contact_sheet(rows, self.output / f"sheet-{name}.png", headings, marked)
        return ClipResult(str(folder), settings, clip.exposure.drawing_of, measures), features

    def _plot(self, path: Path) -> None:
        try:
            plot_frequency(curves(self.results), path)
        except ImportError:
            self.console.print(
                f"{path} cannot be drawn: install matplotlib (pip install matplotlib) and run the command again.",
                markup=False,
                highlight=False,
            )


@functools.cache
def _load(preset: str) -> Colorizer:
    """Load a preset once for all clips, when the first clip is ready for it."""
    from server.coloring.colorizer import Colorizer  # imports torch

    return Colorizer.from_preset(preset)


def find_keyframes(folder: Path, places: str) -> tuple[int, ...]:
    """The numbers of a clip's painted frames. places: `first`, `middle`, `last` or numbers, separated by commas. Raises
    FolderError."""
    numbers = list(frame_files(folder / "lineart"))
    named = {"first": numbers[0], "middle": numbers[len(numbers) // 2], "last": numbers[-1]}
    named |= {str(number): number for number in numbers}
    chosen = [str(int(place)) if place.strip().isdecimal() else place.strip() for place in places.split(",")]
    if unknown := [place for place in chosen if place not in named]:
        raise FolderError(
            f"{folder} has no frame {unknown[0]!r}: --at takes first, middle, last, or numbers from {numbers[0]} to "
            f"{numbers[-1]}, separated by commas."
        )
    return tuple(dict.fromkeys(named[place] for place in chosen))


def curves(results: Sequence[ClipResult]) -> Mapping[str, Mapping[str, Sequence[np.ndarray]]]:
    """The curves of Fig. 8: title of the method → name → one curve per clip. As in the paper, only the methods of Table
    1 are shown, unless only ablations were run."""
    measured = list(results[0].methods)
    names = ("psnr", "psnr_low", "psnr_high")
    return {
        METHODS[method].title: {name: [curve(result.methods[method], name) for result in results] for name in names}
        for method in [method for method in measured if method in TABLES["table1"]] or measured
    }


def write_results(output: Path, clips: Evaluated, metrics: PerceptualMetrics) -> None:
    """Write `tables.md` and `results.json`."""
    results = [result for result, _ in clips]
    summaries: dict[str, Summary] = {method: summarize(clips, method) for method in results[0].methods}
    lpips = metrics.lpips.trunk.title if metrics.lpips else ""
    (output / "tables.md").write_text(markdown(results, summaries, metrics.refused, lpips), encoding="utf-8")
    values = {
        "methods": {method: asdict(summary) for method, summary in summaries.items()},
        "refused": metrics.refused,
        "clips": [CLIP_RESULT.dump_python(result, mode="json") for result in results],
    }
    (output / "results.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
