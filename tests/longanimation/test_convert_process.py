# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversion in its own process: its memory, and that ending it at any time does no harm."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from server.cli import main
from server.longanimation.convert import conversion
from tests.longanimation.miniature import write_downloads

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

# Converts twice, and prints by how much memory in use rose, at its highest, in the second time, and then in loading the
# largest file at once. In a third time it kills itself while it writes the transformer's second file.
CODE = """
import os, signal, sys
from pathlib import Path
from safetensors.torch import load
from server.cli import main
from server.longanimation.convert import conversion

def status(name):
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024

def rise(work):
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is in use now
    before = status("VmRSS")
    work()
    return status("VmHWM") - before

largest, folder, *arguments = sys.argv[1:]
def convert(name):
    assert main([*arguments, "--output", f"{folder}/{name}/preset"]) == 0

convert("undisturbed")
if Path("/proc/self/clear_refs").exists():
    print(rise(lambda: convert("measured")), rise(lambda: load(Path(largest).read_bytes())), flush=True)

write = conversion.write_weights
def write_weights(path, tensors, dtype, advance):
    if path.name == "diffusion_pytorch_model-00002-of-00003.safetensors":
        advance = lambda count: os.kill(os.getpid(), signal.SIGKILL)
    return write(path, tensors, dtype, advance)
conversion.write_weights = write_weights
convert("killed")
"""


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that converts downloads whose largest file is far larger than what Python varies by."""
    downloads, _ = write_downloads(tmp_path_factory.mktemp("published"), text_vocabulary=1_000_000)
    words = ["convert", "--cogvideox", downloads.cogvideox, "--control", downloads.control]
    words += ["--memory", downloads.memory, "--video-xl", downloads.video_xl, "--vision-tower", downloads.vision_tower]
    return [str(word) for word in words]


@pytest.fixture(scope="module")
def largest(arguments: list[str]) -> Path:
    """The largest file of the downloads."""
    return max(Path(arguments[2]).rglob("*.safetensors"), key=lambda path: path.stat().st_size)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the process's conversions: undisturbed, measured, killed."""
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def process(arguments: list[str], largest: Path, outputs: Path) -> subprocess.CompletedProcess[str]:
    """The process when it has ended."""
    command = [sys.executable, "-c", CODE, str(largest), str(outputs), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can set the high-water mark back")
def test_memory_in_use_stays_far_below_the_largest_file(
    process: subprocess.CompletedProcess[str], largest: Path
) -> None:
    size = largest.stat().st_size
    assert size > 100e6
    measured = [line.split() for line in process.stdout.splitlines() if line.replace(" ", "").isdigit()]
    assert len(measured) == 1, process.stderr
    converting, loading = map(int, measured[0])
    assert loading > 0.9 * size, "the measurement sees a file that is held in memory"
    assert converting < 0.2 * size


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot kill a process by a signal")
def test_killed_in_the_middle_it_goes_on_and_gives_the_same_bytes(
    process: subprocess.CompletedProcess[str], arguments: list[str], outputs: Path
) -> None:
    assert process.returncode == -signal.SIGKILL, process.stderr
    output = outputs / "killed" / "preset"
    assert not output.exists()
    transformer = outputs / "killed" / ".partial" / "preset" / "transformer"
    assert sorted(path.name for path in transformer.iterdir()) == [
        ".diffusion_pytorch_model-00002-of-00003.safetensors.part",
        "diffusion_pytorch_model-00001-of-00003.safetensors",
    ]
    assert main([*arguments, "--output", str(output)]) == 0
    assert contents(output) == contents(outputs / "undisturbed" / "preset")


@pytest.mark.usefixtures("interruptible")
def test_interrupted_it_says_how_to_go_on(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = conversion.write_weights

    def interrupted(path: Path, tensors: list, dtype: torch.dtype, advance: Callable[[int], None]) -> str:
        return write(path, tensors, dtype, lambda count: signal.raise_signal(signal.SIGINT))

    with monkeypatch.context() as patched:
        patched.setattr(conversion, "write_weights", interrupted)
        assert main([*arguments, "--output", str(tmp_path / "preset")]) == 1
    assert capsys.readouterr().err.endswith("Interrupted. Run the same command again: it continues from there.\n")
    assert not (tmp_path / "preset").exists()
    assert main([*arguments, "--output", str(tmp_path / "preset")]) == 0
