# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the server. Each command imports what it needs only when it is chosen."""

import argparse
import importlib
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from server.config import DEFAULT_PORT, DEVICES, MEMORY_MODES, Config, ConfigError, default_data_folder, parse_address

COMMANDS = {
    "serve": ("server.cli", "serve the API, with one worker process a device"),
    "worker": ("server.cli", "work on the jobs that wait"),
    "token": ("server.cli", "make an access token and print it"),
    "colorize": ("server.colorize.folder", "colour a folder of line art without a server"),
    "evaluate": ("server.evaluation.cli", "measure the colouring on clips whose colours are known"),
    "train": ("server.training.cli", "train a preset"),
    "convert": ("server.models.converting", "make a preset of the published weights"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("dbos").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(prog="python -m server", description="The LongAnimation Color server.")
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


def _data_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, default=default_data_folder(), metavar="DIR", help="database and images (%(default)s)"
    )


def _device_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=DEVICES, help="what to compute on (cuda where there is a GPU for it)")
    parser.add_argument(
        "--memory-mode",
        choices=MEMORY_MODES,
        default="auto",
        help="where the model's weights are kept; auto takes the best that fits (see docs/memory.md)",
    )


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    default = f"127.0.0.1:{DEFAULT_PORT}"
    parser.add_argument("--listen", default=default, metavar="HOST:PORT", help="where to listen (%(default)s)")
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes (one a device)")
    _device_argument(parser)
    _data_argument(parser)


def _serve(arguments: argparse.Namespace) -> int:
    from server.app import serve

    host, port = parse_address(arguments.listen)
    gpus = 0 if arguments.device == "cpu" else _gpus()
    device = arguments.device or _device(gpus)
    config = Config(arguments.data, host, port, device, memory_mode=arguments.memory_mode)
    serve(config, max(1, gpus) if arguments.workers is None else arguments.workers)
    return 0


def _worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="unique name of this worker (made up when left out)")
    parser.add_argument("--index", type=int, default=0, metavar="N", help="which of several GPUs (%(default)s)")
    parser.add_argument("--supervised", action="store_true", help="end when standard input closes")
    _device_argument(parser)
    _data_argument(parser)


def _worker(arguments: argparse.Namespace) -> NoReturn:
    from server.colorize.colorizer import Colorizer
    from server.jobs import worker

    config = Config(arguments.data, device=arguments.device or _device(_gpus()), memory_mode=arguments.memory_mode)
    device = f"cuda:{arguments.index}" if config.device == "cuda" else "cpu"
    worker.run(
        config,
        lambda preset: Colorizer.from_preset(preset, device, config.memory_mode),
        arguments.name,
        arguments.supervised,
    )


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="whom it is for")
    _data_argument(parser)


def _token(arguments: argparse.Namespace) -> int:
    from server.storage.database import open_database
    from server.storage.tokens import Tokens

    token = Tokens(open_database(Config(arguments.data))).create(arguments.name)
    sys.stdout.write(f"{token}\n")
    sys.stderr.write("This is the only time the token is shown: enter it in the add-on's preferences.\n")
    return 0


def _gpus() -> int:
    """Count the GPUs that torch can use. Asked in a process of its own: the API needs no torch in memory."""
    question = [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]
    return int(subprocess.run(question, check=True, capture_output=True, text=True).stdout)


def _device(gpus: int) -> str:
    return "cuda" if gpus else "cpu"


_OWN = {
    "serve": (_serve_arguments, _serve),
    "worker": (_worker_arguments, _worker),
    "token": (_token_arguments, _token),
}
