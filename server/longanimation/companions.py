# SPDX-License-Identifier: GPL-3.0-or-later
"""Companion processes. Each owns a GPU and shares the denoising of a segment with the process that leads it.

The leader tells its companions the shapes of a step's inputs through pipes, broadcasts the inputs, and computes with
them. Between steps, companions wait at their pipe and know nothing, so a run may stop after any step. When the leader
ends, however it does, the pipes close and the companions end. When a companion ends, the leader's step fails. The next
step starts new ones.
"""

import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, ClassVar

import diffusers
import torch
from torch import distributed

from .conditions import Conditions
from .context_parallel import Share
from .denoiser import Denoiser

LoadDenoiser = Callable[[torch.device], Denoiser]
"""Loads the networks onto a device. A companion calls it, so it must be a function of a module, or a partial of one."""

READY = "ready"
"""A companion's first message. It has at most one other, the error that ends it."""
STALLED = timedelta(minutes=10)
"""A process that waits for the others for so long gives up."""
LAST_WORDS_SECONDS = 5.0
"""How long a step that failed waits for companions that may be the cause to end."""
STOP_SECONDS = 10.0

logger = logging.getLogger(__name__)


class CompanionEnded(RuntimeError):
    """A companion process ended while it was needed. The message says which, and why."""


class Companions:
    """The companions of this process, which leads one group at a time: when another one starts, these end, and start
    again when they are needed.

    load: loads the networks in a companion. devices: the leader's first, then one for each companion.
    """

    def __init__(self, load: LoadDenoiser, devices: Sequence[torch.device]) -> None:
        self._load = load
        self._devices = devices
        self._running: _Running | None = None

    @property
    def share(self) -> Share:
        """The leader's share."""
        return Share(0, len(self._devices))

    def start(self) -> None:
        """Start them, one after the other, because loading needs main memory for a moment. Raises CompanionEnded."""
        self._running = _Running(self._devices[0])
        weakref.finalize(self, self._running.stop)
        try:
            for rank, device in enumerate(self._devices[1:], start=1):
                self._running.add(self._load, device, Share(rank, len(self._devices)))
            self._running.meet(self.share)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End them."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    @contextlib.contextmanager
    def computing(self, noisy: torch.Tensor, timestep: torch.Tensor, given: Conditions) -> Iterator[None]:
        """Let the companions compute what the leader computes in this context: `Denoiser.predict` of these inputs.

        All inputs are sent in every step. The memory, which is the largest, has 0.4 GB, and a step takes seconds.
        Raises CompanionEnded.
        """
        if self._running is None or self._running.has_stopped:
            self.start()
        running: _Running = self._running  # type: ignore[assignment]
        try:
            running.send([noisy, timestep, *given.tensors()])
            yield
            running.check()
        except BaseException as error:
            reason = running.last_words() if isinstance(error, Exception) else ""
            self.stop()  # they may be anywhere in this step
            if reason:
                raise CompanionEnded(reason) from error
            raise


@dataclass(frozen=True)
class LeadingDenoiser(Denoiser):
    """A denoiser whose work companions share."""

    companions: Companions

    def predict(self, noisy: torch.Tensor, timestep: torch.Tensor, given: Conditions) -> torch.Tensor:
        """See `Denoiser`. Raises CompanionEnded."""
        with self.companions.computing(noisy, timestep, given):
            return super().predict(noisy, timestep, given)


class _Running:
    """Companions that were started together. device: the leader's. meeting: file where the processes find each other;
    a port would be open to other machines."""

    _met: ClassVar["_Running | None"] = None

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._folder = tempfile.TemporaryDirectory()
        self.meeting = Path(self._folder.name) / "meeting"
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []
        self._stopping = threading.Event()

    def add(self, load: LoadDenoiser, device: torch.device, share: Share) -> None:
        """Start a companion, and wait until it has loaded the networks. Raises CompanionEnded."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        settings = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
        arguments = (theirs, load, device, share, self.meeting, *settings)
        process = context.Process(target=_accompany, args=arguments, name=f"companion on {device}", daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        self._pipes.append(ours)
        if (said := _hear(ours)) != READY:
            raise CompanionEnded(_obituary(process, said))

    def meet(self, share: Share) -> None:
        """Join the companions. From then on, all exchanges end when one of them ends: NCCL would wait for it."""
        if _Running._met is not None:
            _Running._met.stop()
        _meet(self._device, share, self.meeting)
        _Running._met = self
        group = distributed.group.WORLD
        sentinels, stopping = [process.sentinel for process in self._processes], self._stopping

        def abort() -> None:
            wait(sentinels)
            if not stopping.is_set():
                group.abort()  # type: ignore[union-attr]

        threading.Thread(target=abort, daemon=True).start()

    def send(self, tensors: Sequence[torch.Tensor]) -> None:
        """Send the inputs of a step."""
        for pipe in self._pipes:
            pipe.send([(tensor.shape, tensor.dtype) for tensor in tensors])
        for tensor in tensors:
            distributed.broadcast(tensor.to(self._device).contiguous(), 0)

    def check(self) -> None:
        """Raise CompanionEnded if a companion has ended, after the device has finished: what it computed may then be
        wrong."""
        torch.get_device_module(self._device).synchronize(self._device)
        if reason := self.last_words(0.0):
            raise CompanionEnded(reason)

    def last_words(self, seconds: float = LAST_WORDS_SECONDS) -> str:
        """Return which companions have ended, or end within some seconds, and why; empty for none."""
        ended = wait([process.sentinel for process in self._processes], seconds)
        both = zip(self._processes, self._pipes, strict=True)
        return " ".join(_obituary(process, _hear(pipe)) for process, pipe in both if process.sentinel in ended)

    @property
    def has_stopped(self) -> bool:
        """Whether the companions were stopped."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End the companions, which may be in the middle of a step."""
        if self.has_stopped:
            return
        self._stopping.set()
        for pipe in self._pipes:
            pipe.close()
        if _Running._met is self:
            _Running._met = None
            distributed.group.WORLD.abort()  # type: ignore[union-attr]
            distributed.destroy_process_group()
        for process in self._processes:
            process.join(STOP_SECONDS)
            process.kill()
            process.join()
        self._folder.cleanup()


def _hear(pipe: Connection) -> str:
    """Return what a companion says next; nothing if it ends first."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return ""


def _obituary(process: Any, said: str) -> str:
    process.join()
    return f"The {process.name}, which shares the denoising, ended: {said or f'exit code {process.exitcode}'}."


def _meet(device: torch.device, share: Share, meeting: Path) -> None:
    """Join the processes that share the denoising."""
    is_gpu = device.type == "cuda"
    distributed.init_process_group(
        "nccl" if is_gpu else "gloo",
        store=distributed.FileStore(str(meeting), share.size),
        rank=share.rank,
        world_size=share.size,
        timeout=STALLED,
        device_id=device if is_gpu else None,
    )


def _accompany(
    pipe: Connection,
    load: LoadDenoiser,
    device: torch.device,
    share: Share,
    meeting: Path,
    is_deterministic: bool,
    threads: int,
) -> None:
    """Be a companion, in a process of its own, until the pipe closes."""
    # Ctrl-C in a terminal also reaches child processes. Only the leader decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    steps: queue.SimpleQueue[list[tuple[torch.Size, torch.dtype]]] = queue.SimpleQueue()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                steps.put(pipe.recv())
        os._exit(0)  # whatever the main thread waits for

    threading.Thread(target=listen, daemon=True).start()
    try:
        diffusers.utils.logging.disable_progress_bar()
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(is_deterministic, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        if device.type == "cuda":
            torch.cuda.set_device(device)
        denoiser = load(device)
        denoiser.take(share)
        pipe.send(READY)
        _meet(device, share, meeting)
        with torch.no_grad():
            while True:
                tensors = [torch.empty(shape, dtype=dtype, device=device) for shape, dtype in steps.get()]
                for tensor in tensors:
                    distributed.broadcast(tensor, 0)
                noisy, timestep, *given = tensors
                denoiser.predict(noisy, timestep, Conditions.from_tensors(given))
    except Exception as error:
        logger.exception("A companion on %s cannot go on.", device)
        with contextlib.suppress(OSError):
            pipe.send(f"{type(error).__name__}: {error}")
        os._exit(1)  # without waiting for the other processes
