# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a server: where it listens, where it keeps its files, what it accepts."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
import sqlalchemy as sa

from shared.hosts import is_loopback
from shared.server_info import Limits

DEFAULT_PORT = 7860
DEVICES = ("cpu", "cuda")
MEMORY_MODES = ("auto", "full", "model", "group", "int8", "fp8")
"""Where a worker may keep the model's weights. `server.longanimation.placement` defines them, but imports torch."""
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")
DATABASE_VARIABLE, BLOBS_VARIABLE = "LONGANIMATION_DATABASE", "LONGANIMATION_BLOBS"
"""Environment variables for the addresses of a shared database and blob store, which may hold passwords."""
WEBHOOK_VARIABLE, WEBHOOK_SECRET_VARIABLE = "LONGANIMATION_WEBHOOK", "LONGANIMATION_WEBHOOK_SECRET"
"""Environment variables for the address that hears of the ends of jobs, and for the secret that it is sure by."""
_SECRET = "whsec_"
REPOSITORY = Path(__file__).resolve().parent.parent


class ConfigError(ValueError):
    """A setting cannot be used; the message says which values are accepted."""


def default_data_folder() -> Path:
    """Return the system's folder for persistent user data."""
    return Path(platformdirs.user_data_dir("longanimation-color", appauthor=False))


def parse_address(text: str) -> tuple[str, int]:
    """Split `HOST:PORT` (or `[IPV6]:PORT`) into host and port. Raises ConfigError."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"{text!r} is not an address: write HOST:PORT, such as 127.0.0.1:{DEFAULT_PORT}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


@dataclass(frozen=True)
class Quota:
    """The limits of one token: waiting and running jobs, and bytes that it uploaded first. None means no limit."""

    jobs: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Retention:
    """How long data is kept.

    job_days: how long an ended job and its frames are kept; None keeps them until somebody deletes the job.
    unused_hours: how long an upload that no job uses is kept. free_bytes: disk space reserved for running jobs; if less
    is free, nothing new is accepted.
    """

    job_days: float | None = None
    unused_hours: float = 24.0
    free_bytes: int = 500_000_000


@dataclass(frozen=True)
class Webhook:
    """Where the ends of jobs are posted, and the secret that the messages are signed with: `whsec_` and base64 of 24 to
    64 bytes, as in the specification Standard Webhooks. Raises ConfigError."""

    url: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number
            is_address = False
        if not is_address:
            raise ConfigError("The webhook must be an address such as https://pipeline.studio/colored.")
        if not self.secret.startswith(_SECRET) or not 24 <= len(self.key) <= 64:
            raise ConfigError(
                f"The webhook needs a secret in {WEBHOOK_SECRET_VARIABLE}: {_SECRET} and 24 to 64 bytes in base64. "
                f'Make one: echo "{_SECRET}$(openssl rand -base64 32)"'
            )

    @property
    def key(self) -> bytes:
        """The bytes of the secret; none if it is not base64."""
        try:
            return base64.b64decode(self.secret.removeprefix(_SECRET), validate=True)
        except ValueError:
            return b""


@dataclass(frozen=True)
class Config:
    """The settings of one server.

    data: folder of the database and the blobs; it is created if missing.
    database: SQLAlchemy URL of a database that several machines share (`postgresql://…`); if empty, a SQLite file in
        `data` is used. blobs: fsspec URL of a blob store that they share (a folder, `s3://…`).
    host, port: where to listen; port 0 takes a free one.
    device: class of the devices that the jobs are queued for, `cpu` or `cuda`.
    limits: what is accepted; the default suits shots up to 8K.
    extensions: folder with the built Blender extension (zip files).
    memory_mode: where workers keep the model's weights; `auto` chooses by the free memory.
    certificate, key: PEM files of TLS; both or none.
    proxied: whether other machines connect through a proxy on this one, so that connections to a loopback address do
        not only come from programs on this machine.
    webhook: where the ends of jobs are posted.
    log_format, log_level: how the server and its workers log, see `server.logs`.
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
    database: str = ""
    blobs: str = ""
    certificate: Path | None = None
    key: Path | None = None
    proxied: bool = False
    quota: Quota = Quota()
    retention: Retention = Retention()
    webhook: Webhook | None = None
    log_format: str = "text"
    log_level: str = "info"

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ConfigError(f"The device must be one of {', '.join(DEVICES)}, not {self.device!r}.")
        if self.memory_mode not in MEMORY_MODES:
            raise ConfigError(f"The memory mode must be one of {', '.join(MEMORY_MODES)}, not {self.memory_mode!r}.")
        if self.device == "cpu" and self.memory_mode not in ("auto", "full"):
            raise ConfigError(f"The memory mode {self.memory_mode!r} needs a GPU: leave it at auto on the CPU.")
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("TLS needs both a certificate and its key: give --cert FILE and --key FILE.")
        try:
            kind = self.database_url.get_backend_name()
        except sa.exc.ArgumentError as error:
            raise ConfigError("The database's address must look like postgresql://USER:PASSWORD@HOST/NAME.") from error
        if kind not in ("sqlite", "postgresql"):
            raise ConfigError(f"The database must be PostgreSQL (postgresql://…) or SQLite, not {kind!r}.")

    @property
    def database_url(self) -> sa.URL:
        """Address of the database with the catalogue and the durable workflows."""
        if not self.database:
            return sa.URL.create("sqlite", database=str(self.data.resolve() / "server.sqlite"))
        url = sa.make_url(self.database)
        return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url

    @property
    def blobs_url(self) -> str:
        """Address of the blob store."""
        return self.blobs or str(self.data.resolve() / "blobs")

    @property
    def is_private(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        return is_loopback(self.host) and not self.proxied
