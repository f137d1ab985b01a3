# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight files as streams, so that no whole tensor is ever in memory.

A safetensors file has the length of its header in 8 bytes, the header in JSON, and the tensors' bytes one after
another. The safetensors library checks the file here. It is not used to read or write tensors: it reads whole tensors
(or maps them, and mapped pages count as memory in use) and writes only whole files.
"""

import hashlib
import json
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open

from server.files import open_atomic

from .errors import ConversionError

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""The number types of published weights, by their names in safetensors files."""

CHUNK = 2**20
"""How many numbers are read, converted and written at a time."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a weight file: its published name, and its numbers in one-dimensional pieces of at most `CHUNK`."""

    name: str
    dtype: torch.dtype | str
    shape: tuple[int, ...]
    chunks: Callable[[], Iterator[torch.Tensor]]

    @property
    def count(self) -> int:
        """The number of its elements."""
        return torch.Size(self.shape).numel()


def read_weights(path: Path) -> list[StoredTensor]:
    """List the tensors of a `.safetensors` or `.bin` file, in the order of the file. Their numbers stay on disk.

    Raises ConversionError for a file that is missing, cut short or of another kind.
    """
    if not path.is_file():
        raise ConversionError(f"{path} is missing: download it, or the whole folder again.")
    return _read_pickled(path) if path.suffix == ".bin" else _read_safetensors(path)


def _read_safetensors(path: Path) -> list[StoredTensor]:
    try:
        with safe_open(path, "pt"):  # checks that header and size agree
            pass
    except SafetensorError as error:
        raise ConversionError(f"{path} is not a whole safetensors file ({error}): download it again.") from error
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entries = json.loads(file.read(length))
    entries.pop("__metadata__", None)
    start = 8 + length
    return [
        StoredTensor(
            name,
            DTYPES.get(entry["dtype"], entry["dtype"]),
            tuple(entry["shape"]),
            _chunks_of(path, start + entry["data_offsets"][0], entry),
        )
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"])
    ]


def _chunks_of(path: Path, start: int, entry: dict[str, Any]) -> Callable[[], Iterator[torch.Tensor]]:
    left = entry["data_offsets"][1] - entry["data_offsets"][0]

    def chunks() -> Iterator[torch.Tensor]:
        dtype = DTYPES[entry["dtype"]]
        piece = CHUNK * dtype.itemsize
        with path.open("rb") as file:
            file.seek(start)
            for done in range(0, left, piece):
                buffer = bytearray(min(piece, left - done))
                file.readinto(buffer)
                yield torch.frombuffer(buffer, dtype=dtype)

    return chunks


def _read_pickled(path: Path) -> list[StoredTensor]:
    """A `.bin` file, mapped into memory. Only tensors are unpickled."""
    try:
        loaded = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ConversionError(f"{path} cannot be read ({error}). Give the folder as .safetensors instead.") from error
    return [StoredTensor(name, tensor.dtype, tuple(tensor.shape), _pieces(tensor)) for name, tensor in loaded.items()]


def _pieces(tensor: torch.Tensor) -> Callable[[], Iterator[torch.Tensor]]:
    return lambda: iter(tensor.flatten().split(CHUNK))


def header_of(tensors: Sequence[tuple[str, StoredTensor]], dtype: torch.dtype) -> bytes:
    """Return the header of the safetensors file that `write_weights` makes from these tensors under these names."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers refuses files without it
    position = 0
    written = next(name for name, known in DTYPES.items() if known == dtype)
    for name, tensor in tensors:
        end = position + tensor.count * dtype.itemsize
        entries[name] = {"dtype": written, "shape": list(tensor.shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write_weights(
    path: Path,
    tensors: Sequence[tuple[str, StoredTensor]],
    dtype: torch.dtype,
    advance: Callable[[int], None],
) -> str:
    """Write tensors under new names and as `dtype` to a safetensors file. Returns its SHA-256.

    The file appears at `path` only when it is complete and on the disk. `advance` is called with the number of bytes
    that were written.
    """
    digest = hashlib.sha256()

    def write(file: IO[bytes], data: bytes | memoryview) -> None:
        file.write(data)
        digest.update(data)
        advance(len(data))

    with open_atomic(path) as file:
        write(file, header_of(tensors, dtype))
        for _, tensor in tensors:
            for chunk in tensor.chunks():
                write(file, memoryview(chunk.to(dtype).contiguous().view(torch.uint8).numpy()))
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
