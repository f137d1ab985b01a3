# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole conversion. It is planned and checked first, written as a stream, and resumable. The output appears only
when it is complete."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch

from ..published import PROMPT_SUFFIX
from .components import Component, Downloads, find_components
from .errors import ConversionError
from .manifest import Journal, files_in, write_manifest
from .parts import WeightFile
from .tensors import header_of, sha256_of, write_weights

PARTIAL = ".partial"
"""Folder next to the output in which a conversion is made. The output appears when it is complete."""

JOURNAL = "journal.json"


@dataclass(frozen=True)
class Conversion:
    """A conversion that was checked and can be run.

    dtype: of all weights. settings: becomes `preset.json`. checksums: SHA-256 of downloaded files, if known.
    """

    components: list[Component]
    output: Path
    dtype: torch.dtype
    settings: Mapping[str, Any] = field(default_factory=dict)
    checksums: Mapping[Path, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """The number of bytes that will be written. Configurations and tokenizers are too small to count."""
        return sum(_size(file, self.dtype) for _, file in self._weight_files())

    def run(self, advance: Callable[[int], None] = lambda done: None) -> None:
        """Convert the weights. After an interruption, another run continues after the finished files.

        advance: called with the number of bytes that were written or found.
        Raises ConversionError, and OSError for errors of the disk.
        """
        work = self.output.parent / PARTIAL / self.output.name
        work.mkdir(parents=True, exist_ok=True)
        journal = Journal(work / JOURNAL)
        known = {}
        for name, file in self._weight_files():
            recipe = self._recipe(file)
            checksum = journal.checksum(name, recipe)
            if checksum is None:
                self._check_source(file.source)
                (work / name).parent.mkdir(exist_ok=True)
                checksum = write_weights(work / name, file.tensors, self.dtype, advance)
                journal.enter(name, recipe, checksum)
            else:
                advance(_size(file, self.dtype))
            known[name] = checksum
        for name in files_in(work):  # files of an earlier run with other arguments, or of an interrupted run
            if name not in known and name != JOURNAL:
                (work / name).unlink()
        for component in self.components:
            self._describe(component, work)
        _write_json(work / "model_index.json", self._index())
        if self.settings:
            _write_json(work / "preset.json", self.settings)
        journal.remove()
        write_manifest(work, known)
        work.rename(self.output)
        if not any(work.parent.iterdir()):
            work.parent.rmdir()

    def _weight_files(self) -> Iterator[tuple[str, WeightFile]]:
        for component in self.components:
            for name, file in zip(_names(component), component.weights, strict=True):
                yield f"{component.name}/{name}", file

    def _recipe(self, file: WeightFile) -> str:
        state = file.source.stat()
        made_of = json.dumps([file.source.name, state.st_size, state.st_mtime_ns]).encode()
        return hashlib.sha256(made_of + header_of(file.tensors, self.dtype)).hexdigest()

    def _check_source(self, source: Path) -> None:
        expected = self.checksums.get(source)
        if expected is not None and (found := sha256_of(source)) != expected:
            raise ConversionError(
                f"{source} has the SHA-256 {found}, and was published with {expected}. Delete it and download it again."
            )

    def _describe(self, component: Component, work: Path) -> None:
        """Write a component's configuration, and the index of its weights if they are in several files."""
        folder = work / component.name
        folder.mkdir(exist_ok=True)
        component.save_config(folder, self.dtype)
        if len(component.weights) > 1:
            names = _names(component)
            places = {
                name: file
                for file, weights in zip(names, component.weights, strict=True)
                for name, _ in weights.tensors
            }
            size = sum(tensor.count for weights in component.weights for _, tensor in weights.tensors)
            _write_json(
                folder / f"{component.weights_name}.safetensors.index.json",
                {"metadata": {"total_size": size * self.dtype.itemsize}, "weight_map": places},
            )

    def _index(self) -> dict[str, Any]:
        parts = {part.name: [part.library, part.class_name] for part in self.components}
        return {
            "_class_name": "LongAnimationPipeline",
            "_diffusers_version": diffusers.__version__,
            **parts,
            "prompt_suffix": PROMPT_SUFFIX,
        }


def plan_conversion(
    downloads: Downloads,
    output: Path,
    dtype: torch.dtype = torch.bfloat16,
    settings: Mapping[str, Any] | None = None,
    checksums: Mapping[Path, str] | None = None,
) -> Conversion:
    """Check the downloads from end to end without reading the weights themselves. Raises ConversionError."""
    if output.exists():
        raise ConversionError(f"{output} exists already. Check it with --verify, or delete it to convert again.")
    return Conversion(find_components(downloads), output, dtype, settings or {}, checksums or {})


def _names(component: Component) -> list[str]:
    """Return the names of a component's weight files, one for each published file."""
    count = len(component.weights)
    if count == 1:
        return [f"{component.weights_name}.safetensors"]
    return [f"{component.weights_name}-{index:05}-of-{count:05}.safetensors" for index in range(1, count + 1)]


def _size(file: WeightFile, dtype: torch.dtype) -> int:
    header = len(header_of(file.tensors, dtype))
    return header + sum(tensor.count for _, tensor in file.tensors) * dtype.itemsize


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
