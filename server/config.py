# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is told when it starts: where it listens, where it keeps its files, what it accepts."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import sqlalchemy as sa

from shared.protocol import Limits

DEFAULT_PORT = 7860
DEVICES = ("cpu", "cuda")
MEMORY_MODES = ("auto", "full", "model", "group", "int8", "fp8")
"""Where a worker may keep the model's weights: `server.longanimation.placement` has them, but brings torch."""
REPOSITORY = Path(__file__).resolve().parent.parent


class ConfigError(ValueError):
    """A setting cannot be used; the message says which are accepted."""


def default_data_folder() -> Path:
    """Return the folder of the user's system for data that must survive."""
    return Path(platformdirs.user_data_dir("longanimation-color", appauthor=False))


def parse_address(text: str) -> tuple[str, int]:
    """Split `HOST:PORT` (or `[IPV6]:PORT`) into host and port; raises ConfigError."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"{text!r} is not an address: write HOST:PORT, such as 127.0.0.1:{DEFAULT_PORT}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or an address, is this machine as it sees itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Config:
    """The settings of one server.

    data: folder of the database and the blobs; it is made when missing.
    host, port: where to listen; port 0 takes a free one.
    device: class of the devices that the jobs are queued for, `cpu` or `cuda`.
    limits: what is accepted; the default suits shots up to 8K.
    extensions: folder with the built Blender extension (zip files).
    memory_mode: where workers keep the model's weights; `auto` chooses by what memory is free.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    device: str = "cpu"
    limits: Limits = field(
        default_factory=lambda: Limits(blob_bytes=64 * 1024 * 1024, image_pixels=7680 * 4320, drawings=2000)
    )
    extensions: Path = REPOSITORY / "dist"
    memory_mode: str = "auto"

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ConfigError(f"The device must be one of {', '.join(DEVICES)}, not {self.device!r}.")
        if self.memory_mode not in MEMORY_MODES:
            raise ConfigError(f"The memory mode must be one of {', '.join(MEMORY_MODES)}, not {self.memory_mode!r}.")
        if self.device == "cpu" and self.memory_mode not in ("auto", "full"):
            raise ConfigError(f"The memory mode {self.memory_mode!r} needs a GPU: leave it at auto on the CPU.")

    @property
    def database_url(self) -> sa.URL:
        """Address of the database: one SQLite file that holds the catalogue and the durable workflows."""
        return sa.URL.create("sqlite", database=str(self.data.resolve() / "server.sqlite"))

    @property
    def blobs_url(self) -> str:
        """Address of the blob store, as fsspec writes it."""
        return str(self.data.resolve() / "blobs")

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        return is_loopback(self.host)
