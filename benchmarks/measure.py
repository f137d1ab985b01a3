# SPDX-License-Identifier: GPL-3.0-or-later
"""Helper functions and conventions of the benchmarks.

A module here that defines `main(arguments)` is a benchmark. Run it with
`python -m benchmarks.NAME [--size N] [--quick]`, and with `--width N` and `--layers N` where it uses a model of random
weights. It reports its progress on stderr and prints one JSON line on stdout. The line has its sizes, and ratios from
this one run, because times depend too much on the machine. The benchmark's docstring explains the sizes.

With its defaults, a benchmark ends within about a minute on two cores, unless its docstring says otherwise. With
`--quick`, it ends within seconds; this only tests that it runs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


S = TypeVar("S", bound="DataclassInstance")


@dataclass(frozen=True)
class Sizes:
    """The sizes of a benchmark."""

    width: int
    layers: int
    size: int


def read_sizes(description: str | None, default: S, quick: S, arguments: Sequence[str] | None) -> S:
    """Parse an argument for each field of `default`, a dataclass of whole numbers, and `--quick`; None reads the
    command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in vars(default).items():
        parser.add_argument(f"--{name}", type=int, help=f"default: {value}")
    parser.add_argument("--quick", action="store_true", help="sizes that end within seconds")
    given = vars(parser.parse_args(arguments))
    start = quick if given.pop("quick") else default
    return replace(start, **{name: value for name, value in given.items() if value is not None})


def seconds(call: Callable[[], Any]) -> float:
    """Return the wall-clock time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_seconds(calls: Mapping[str, Callable[[], Any]], repeats: int = 5) -> dict[str, float]:
    """Return the median time of each call. The calls alternate, so that a busy moment of the machine does not affect
    only one of them. The first round does not count."""
    rounds = [{name: seconds(call) for name, call in calls.items()} for _ in range(repeats + 1)]
    return {name: median(times[name] for times in rounds[1:]) for name in calls}


def progress(text: str) -> None:
    """Report progress on stderr."""
    print(text, file=sys.stderr)


def print_json_line(**values: Any) -> None:
    """Print the result, rounded to four significant digits."""

    def rounded(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): rounded(item) for key, item in value.items()}
        return float(f"{value:.4g}") if isinstance(value, float) else value

    print(json.dumps(rounded(values)))
