# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `preset`: assemble the modules that the other stages trained into the folder of a preset."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from server.coloring.matching import LineMatcher, Settler
from server.longanimation.video_memory import Ratio
from server.presets.preset import WEIGHTS

from .stack import load_stack

SETTINGS = {
    "title": "Tiny: for any computer",
    "license": "GPL-3.0-or-later; trained from nothing on this project's own cartoons, "
    "OpenMoji (CC BY-SA 4.0) and DiceBear avatars (CC0, CC BY 4.0)",
    "pixels": 256 * 144,
    "segment": 13,
    "steps": 2,
    "guidance": 1.0,
    "votes": 2,
    "memory_ratio": 4,
    "gpu": False,
    "quality": "final",
    "model_weight": 0.1,
    "lined_memory": False,
    "repeats_holds": False,
    "paints_backgrounds": False,
}
"""`tiny` was measured with these settings, and its DGLM saw colors without lines. From words it paints a mottled
white."""


def read_settings(base: Path) -> dict[str, Any]:
    """Return the settings of a base, which is a preset's folder. Raises FileNotFoundError if it is none."""
    try:
        return json.loads((base / "preset.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{base} has no preset.json: --base takes the folder of a preset, such as `python -m server convert` makes "
            "of the published weights"
        ) from error


def assemble_preset(
    run: Path,
    base: Path | None = None,
    target: Path | None = None,
    hints: bool = True,
    ratio: Ratio | None = None,
) -> None:
    """Write the modules of `run` as one pipeline in bfloat16 to `target`, and the networks that match drawings next to
    it. Modules that `run` does not have come from the base. `target` is replaced once everything is written. By
    default, it is the preset with the name of the run's folder.

    On a base, the settings are those of the base, whose stages see binary sketches. hints: whether the stages were
    trained with hints. ratio: the ratio of the memory with which they were trained, by default that of the settings.
    """
    target = target or WEIGHTS / run.resolve().name
    chosen = SETTINGS if base is None else read_settings(base)
    trained: dict[str, Any] = {"hints": hints, "binary_sketches": base is not None}
    if ratio is not None:
        trained["memory_ratio"] = ratio
    settings = json.dumps(chosen | trained, indent=2, ensure_ascii=False) + "\n"
    pipeline = load_stack(run, base, dtype=torch.bfloat16)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline.to(torch.bfloat16).save_pretrained(fresh)
    _remove_origin(fresh)
    (fresh / "preset.json").write_text(settings, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    for name, network in (("line_matcher", LineMatcher), ("settler", Settler)):
        if (run / name).is_dir():
            network.from_pretrained(run / name, torch_dtype=torch.bfloat16).save_pretrained(target.with_name(name))
            _remove_origin(target.with_name(name))


def _remove_origin(folder: Path) -> None:
    """Remove the path from which the weights were loaded from the configurations, because it is local to this
    machine."""
    for path in folder.rglob("config.json"):
        config = json.loads(path.read_text(encoding="utf-8"))
        config.pop("_name_or_path", None)
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
