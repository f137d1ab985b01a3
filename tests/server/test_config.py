# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid settings are refused, and the memory mode reaches the workers."""

from pathlib import Path

import pytest

from server.cli import main
from server.config import MEMORY_MODES, Config, ConfigError
from server.http.server_process import worker_command


def test_the_command_line_offers_the_model_s_memory_modes() -> None:
    from server.longanimation.placement import MODES

    assert ("auto", *MODES) == MEMORY_MODES


def test_the_memory_mode_reaches_the_workers(tmp_path: Path) -> None:
    command = worker_command(Config(tmp_path, device="cuda", memory_mode="group"), 1, "worker-1")
    assert command[command.index("--memory-mode") + 1] == "group"
    assert command[command.index("--index") + 1] == "1"


def test_an_unknown_memory_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of auto, full, model, group, int8, fp8, not 'half'"):
        Config(tmp_path, memory_mode="half")


def test_a_memory_mode_for_a_gpu_is_refused_on_the_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["serve", "--device", "cpu", "--memory-mode", "fp8", "--data", str(tmp_path), "--listen", "127.0.0.1:0"]
    with pytest.raises(SystemExit):
        main(arguments)
    assert "'fp8' needs a GPU: leave it at auto" in capsys.readouterr().err
