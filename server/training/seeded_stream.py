# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of training data that many workers draw, each from seeds of its own."""

import itertools
from collections.abc import Iterator

import cv2
from accelerate import PartialState
from torch.utils.data import IterableDataset, get_worker_info


class SeededStream(IterableDataset):
    """A stream whose workers, in all processes, share the seeds from `first` on."""

    def __init__(self, first: int) -> None:
        self.first = first
        process = PartialState()
        self.process, self.processes = process.process_index, process.num_processes

    def seeds(self) -> Iterator[int]:
        """Return the seeds of the worker that calls this, without end. OpenCV gets one thread in each worker."""
        worker = get_worker_info()
        own, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        if worker:
            cv2.setNumThreads(1)
        return itertools.count(self.first + self.process * workers + own, self.processes * workers)
