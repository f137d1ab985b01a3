# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the server. Each command imports its modules only when it is chosen."""

import argparse
import importlib
import logging
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, get_args

import sqlalchemy as sa

from server import logs
from server.config import (
    BLOBS_VARIABLE,
    DATABASE_VARIABLE,
    DEFAULT_PORT,
    DEVICES,
    LOG_FORMATS,
    LOG_LEVELS,
    MEMORY_MODES,
    WEBHOOK_SECRET_VARIABLE,
    WEBHOOK_VARIABLE,
    Config,
    ConfigError,
    Quota,
    Retention,
    Webhook,
    default_data_folder,
    parse_address,
)
from server.presets.preset import gpus_per_worker
from server.processors import limit_threads, usable_cores
from server.storage.tokens import Role

COMMANDS = {
    "serve": ("server.cli", "serve the API, with one worker process per device"),
    "worker": ("server.cli", "process waiting jobs"),
    "token": ("server.cli", "create an access token and print it"),
    "adopt": ("server.cli", "give a blob store to a database, which other databases then cannot use"),
    "doctor": ("server.cli", "check this machine and a server's settings, and say what to do"),
    "colorize": ("server.coloring.cli", "color a folder of line art without a server"),
    "submit": ("server.client.submit", "send a folder of line art to a server, and print the id of its job"),
    "watch": ("server.client.watch", "follow a job on a server to its end"),
    "fetch": ("server.client.fetch", "download the finished frames of a job on a server"),
    "psd": ("server.layers.cli", "write the layers of a take as layered PSDs"),
    "evaluate": ("server.evaluation.cli", "measure the coloring on clips whose colors are known"),
    "train": ("server.training.cli", "train a preset"),
    "convert": ("server.presets.cli", "convert the published weights to a preset"),
}


def main(arguments: Sequence[str] | None = None, program: str = "longanimation") -> int:
    """Run the command that `arguments` name. Return the exit code. program: its name in usage messages."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] != ["serve"]:  # its workers share the cores
        limit_threads(usable_cores())
    # cuBLAS reads this when it starts. Without it, its results are not always the same.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in logs.TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(prog=program, description="The LongAnimation Color server.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {name: commands.add_parser(name, help=text, description=text) for name, (_, text) in COMMANDS.items()}
    chosen = arguments[0] if arguments else ""
    if chosen in _OWN:
        add_arguments, run = _OWN[chosen]
        add_arguments(parsers[chosen])
    elif chosen in COMMANDS:
        module = importlib.import_module(COMMANDS[chosen][0])
        module.add_arguments(parsers[chosen])
        run = module.run
    parsed = parser.parse_args(arguments)  # ends here when no command was chosen
    try:
        return run(parsed)
    except ConfigError as error:
        parsers[chosen].error(str(error))
    except sa.exc.DatabaseError as error:  # while a server answers requests, this is caught earlier
        from server.storage.integrity import is_damage, is_unusable

        if not is_unusable(error):
            raise
        what = "is damaged; restore a backup (docs/operations.md)" if is_damage(error.orig) else "does not answer"
        parsers[chosen].error(f"The database {what}: {logs.redact(str(error.orig)).strip()}")


def _data_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, default=default_data_folder(), metavar="DIR", help="database and images (%(default)s)"
    )
    parser.add_argument(
        "--database",
        default=os.environ.get(DATABASE_VARIABLE, ""),
        metavar="URL",
        help="a PostgreSQL database that several machines share, postgresql://USER:PASSWORD@HOST/NAME, instead of a "
        f"file in the data folder; can be set in the environment as {DATABASE_VARIABLE}, which hides the password "
        "from other users",
    )


def _blobs_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--blobs",
        default=os.environ.get(BLOBS_VARIABLE, ""),
        metavar="URL",
        help="where several machines share images, a folder or s3://BUCKET/PREFIX, instead of the data folder; can be "
        f"set in the environment as {BLOBS_VARIABLE}",
    )


def _device_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=DEVICES, help="what to compute on (default: cuda if there is a GPU)")
    parser.add_argument(
        "--memory-mode",
        choices=MEMORY_MODES,
        default="auto",
        help="where the model's weights are kept; auto takes the best that fits (see docs/memory.md)",
    )


def _log_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-format", choices=LOG_FORMATS, help="log lines for people or machines (text on a terminal, else json)"
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info", help="what is logged (%(default)s)")


def _configure_logs(arguments: argparse.Namespace) -> str:
    """Configure logging as the arguments say. Return the format."""
    style: str = arguments.log_format or ("text" if sys.stderr.isatty() else "json")
    logs.configure(style, arguments.log_level)
    return style


def _listen_arguments(parser: argparse.ArgumentParser) -> None:
    default = f"127.0.0.1:{DEFAULT_PORT}"
    parser.add_argument("--listen", default=default, metavar="HOST:PORT", help="where to listen (%(default)s)")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="TLS: the certificate and its chain, PEM")
    parser.add_argument("--key", type=Path, metavar="FILE", help="TLS: the certificate's key, PEM")
    parser.add_argument(
        "--proxied", action="store_true", help="a proxy on this machine lets others in: require a token from everyone"
    )


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    _listen_arguments(parser)
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of worker processes (one per device, or per group of GPUs that color a shot together)",
    )
    parser.add_argument("--keep-days", type=float, metavar="N", help="delete jobs that ended N days ago (never)")
    parser.add_argument("--quota-jobs", type=int, metavar="N", help="the most waiting and running jobs per token")
    parser.add_argument("--quota-gb", type=float, metavar="N", help="the most gigabytes per token")
    parser.add_argument(
        "--webhook",
        default=os.environ.get(WEBHOOK_VARIABLE, ""),
        metavar="URL",
        help=f"post the ends of jobs to this address, signed with the secret in the environment variable "
        f"{WEBHOOK_SECRET_VARIABLE}; can be set in the environment as {WEBHOOK_VARIABLE}",
    )
    _log_arguments(parser)
    _device_argument(parser)
    _data_argument(parser)
    _blobs_argument(parser)


def _serve(arguments: argparse.Namespace) -> int:
    from server.http.server_process import serve

    log_format = _configure_logs(arguments)
    host, port = parse_address(arguments.listen)
    gpus = 0 if arguments.device == "cpu" else _gpus()
    config = Config(
        arguments.data,
        host,
        port,
        arguments.device or _device(gpus),
        memory_mode=arguments.memory_mode,
        database=arguments.database,
        blobs=arguments.blobs,
        certificate=arguments.cert,
        key=arguments.key,
        proxied=arguments.proxied,
        quota=Quota(arguments.quota_jobs, None if arguments.quota_gb is None else int(arguments.quota_gb * 1e9)),
        retention=Retention(job_days=arguments.keep_days),
        webhook=Webhook(arguments.webhook, os.environ.get(WEBHOOK_SECRET_VARIABLE, "")) if arguments.webhook else None,
        log_format=log_format,
        log_level=arguments.log_level,
    )
    serve(config, max(1, gpus // gpus_per_worker()) if arguments.workers is None else arguments.workers)
    return 0


def _worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="unique name of this worker (default: generated)")
    parser.add_argument(
        "--index",
        type=int,
        default=0,
        metavar="N",
        help="which of several GPUs, or groups of GPUs that color a shot together (%(default)s)",
    )
    parser.add_argument("--supervised", action="store_true", help="end when standard input closes")
    _log_arguments(parser)
    _device_argument(parser)
    _data_argument(parser)
    _blobs_argument(parser)


def _worker(arguments: argparse.Namespace) -> NoReturn:
    from server.coloring.colorizer import Colorizer
    from server.jobs import worker
    from server.jobs.devices import find_device

    _configure_logs(arguments)  # after the imports, which install log handlers
    config = Config(
        arguments.data,
        device=arguments.device or _device(_gpus()),
        memory_mode=arguments.memory_mode,
        database=arguments.database,
        blobs=arguments.blobs,
    )
    device = find_device(config.device, arguments.index, config.memory_mode)
    worker.run(
        config,
        lambda preset: Colorizer.from_preset(preset, device.name, config.memory_mode),
        device.probe,
        arguments.name,
        arguments.supervised,
    )


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="the token's holder; tokens with the same name share their jobs")
    roles = "submit: one's own jobs; admin: everybody's, and queues"
    parser.add_argument("--role", choices=get_args(Role), default="submit", help=roles)
    parser.add_argument("--days", type=_days, metavar="N", help="how many days it is valid (until it is revoked)")
    parser.add_argument("--list", action="store_true", help="list the existing tokens instead of creating one")
    parser.add_argument("--revoke", metavar="NAME", help="revoke the tokens of NAME instead of creating one")
    _data_argument(parser)


def _token(arguments: argparse.Namespace) -> int:
    from server.storage.database import open_database
    from server.storage.tokens import Tokens

    tokens = Tokens(open_database(Config(arguments.data, database=arguments.database)))
    if arguments.list:
        for one in tokens.all():
            expiry = "" if one.expires is None else f"  (expires {_date(one.expires)})"
            sys.stdout.write(f"{_date(one.created)}  {one.role:6}  {one.name}{expiry}\n")
    elif arguments.revoke is not None:
        if not tokens.revoke(arguments.revoke):
            raise ConfigError(f"There is no token of {arguments.revoke!r}: see `python -m server token --list`.")
        sys.stderr.write(f"The tokens of {arguments.revoke} are revoked; the jobs stay.\n")
    else:
        # Without a name, nobody else may share these jobs, so a unique name is generated.
        name = arguments.name.strip() or f"token-{secrets.token_hex(4)}"
        sys.stdout.write(f"{tokens.create(name, arguments.role, arguments.days)}\n")
        sys.stderr.write(f"For {name}. This is the only time it is shown: enter it in the add-on's preferences.\n")
    return 0


def _adopt_arguments(parser: argparse.ArgumentParser) -> None:
    _data_argument(parser)
    _blobs_argument(parser)


def _adopt(arguments: argparse.Namespace) -> int:
    from server.storage.database import open_database
    from server.storage.store_marker import StoreMarker
    from server.storage.write_check import store_errors

    config = Config(arguments.data, database=arguments.database, blobs=arguments.blobs)
    shown = logs.redact(config.blobs_url)
    try:
        StoreMarker(open_database(config), config.blobs_url).adopt()
    except store_errors() as error:
        raise ConfigError(f"The blob store {shown} cannot be written: {logs.redact(str(error))}") from error
    sys.stderr.write(f"{shown} is this database's store now. Restart its servers and workers.\n")
    return 0


def _days(text: str) -> float:
    """Return a time in days. Raises ValueError, which argparse reports."""
    days = float(text)
    if not 0 < days < 36500:
        raise ValueError
    return days


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    _listen_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write the findings as one JSON list")
    _data_argument(parser)
    _blobs_argument(parser)


def _doctor(arguments: argparse.Namespace) -> int:
    from server import doctor

    host, port = parse_address(arguments.listen)
    config = Config(
        arguments.data,
        host,
        port,
        database=arguments.database,
        blobs=arguments.blobs,
        certificate=arguments.cert,
        key=arguments.key,
        proxied=arguments.proxied,
    )
    return doctor.run(config, arguments.json)


def _gpus() -> int:
    """Count the GPUs that torch can use. This runs in a separate process, because the API needs no torch in memory."""
    question = [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]
    return int(subprocess.run(question, check=True, capture_output=True, text=True).stdout)


def _device(gpus: int) -> str:
    return "cuda" if gpus else "cpu"


_OWN = {
    "serve": (_serve_arguments, _serve),
    "worker": (_worker_arguments, _worker),
    "token": (_token_arguments, _token),
    "adopt": (_adopt_arguments, _adopt),
    "doctor": (_doctor_arguments, _doctor),
}
