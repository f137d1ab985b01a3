# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS, FID and FVD read the published formats, and are refused without the files. The weights here are random."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from server.evaluation.perceptual import MetricWeightsError, load_perceptual_metrics
from server.evaluation.perceptual.inception import FIDInception
from server.evaluation.perceptual.lpips import ALEXNET, VGG16, Trunk


class Kinetics(nn.Module):
    """Stands in for I3D: its call is that of the published TorchScript."""

    def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
        if rescale or resize or not return_features or x.dim() != 5 or x.shape[1] != 3 or x.shape[3] != 224:
            raise RuntimeError("not how the network is called")
        return x.mean((2, 3, 4)).repeat(1, 134)[:, :400]


def write_lpips(folder: Path, trunk: Trunk) -> None:
    state = {f"features.{name}": tensor for name, tensor in trunk.features().state_dict().items()}
    torch.save(state | {"classifier.1.weight": torch.zeros(2, 2)}, folder / trunk.backbone)
    channels = (64, 128, 256, 512, 512) if trunk is VGG16 else (64, 192, 384, 256, 256)
    heads = {f"lin{index}.model.1.weight": torch.rand(1, width, 1, 1) for index, width in enumerate(channels)}
    torch.save(heads, folder / trunk.heads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("metrics")
    torch.manual_seed(0)
    write_lpips(folder, ALEXNET)
    classifier = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    inception = {name: part for name, part in FIDInception().state_dict().items() if "num_batches" not in name}
    torch.save(inception | classifier, folder / "pt_inception-2015-12-05-6726825d.pth")
    torch.jit.script(Kinetics()).save(folder / "i3d_torchscript.pt")
    return folder


@pytest.fixture(scope="module")
def metrics(folder):
    return load_perceptual_metrics(folder)


def frames(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, 64, 64, 3), np.uint8))


def test_all_are_found(metrics):
    assert metrics.titles == ("FID", "FVD", "LPIPS (AlexNet)") and not metrics.refused


def test_lpips_is_the_weighted_distance_of_normalized_features(metrics):
    first, second = frames(2, 0), frames(2, 1)
    assert metrics.distances(first, first).tolist() == [0, 0]
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    expected = torch.zeros(2)
    x = torch.from_numpy(np.stack(first + second)) / 255
    x = ((2 * x - 1 - shift) / scale).permute(0, 3, 1, 2)
    heads = list(metrics.lpips.heads)
    for index, layer in enumerate(metrics.lpips.features):
        x = layer(x)
        if index in (1, 4, 7, 9, 11):
            unit = nn.functional.normalize(x, dim=1)
            expected += nn.functional.conv2d((unit[:2] - unit[2:]) ** 2, heads.pop(0)).mean((1, 2, 3))
    assert np.allclose(metrics.distances(first, second), expected, rtol=1e-4)


def test_images_and_videos_become_features(metrics):
    assert metrics.image_features(frames(3)).shape == (3, 2048)
    features = metrics.video_features(frames(12))
    assert features.shape == (400,)
    white = metrics.video_features([np.full((64, 64, 3), 255, np.uint8)] * 12)
    assert np.allclose(white, 1)  # what is 1 in 0..1 is 1 in −1..1
    assert metrics.video_features(frames(9)) is None


def test_the_inception_is_of_the_published_size():
    assert sum(part.numel() for part in FIDInception().parameters()) == 23_834_568 - 2_049_000  # without classifier


def test_vgg_serves_where_alexnet_is_not(tmp_path):
    write_lpips(tmp_path, VGG16)
    metrics = load_perceptual_metrics(tmp_path)
    assert metrics.titles == ("LPIPS (VGG16)",)
    assert metrics.distances(frames(1, 0), frames(1, 1))[0] > 0


def test_without_weights_each_is_refused_by_the_name_of_its_file(tmp_path):
    metrics = load_perceptual_metrics(tmp_path)
    assert metrics.titles == () and metrics.distances(frames(1), frames(1)) is None
    for metric, file in (("LPIPS", "alex.pth"), ("FID", "pt_inception-2015-12-05"), ("FVD", "i3d_torchscript.pt")):
        assert file in metrics.refused[metric] and str(tmp_path) in metrics.refused[metric]


@pytest.mark.parametrize("name", ["alex.pth", "pt_inception-2015-12-05-6726825d.pth", "i3d_torchscript.pt"])
def test_a_damaged_file_is_named(folder, tmp_path, name):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(MetricWeightsError, match=name):
        load_perceptual_metrics(tmp_path)


def test_weights_of_another_network_are_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "alex.pth").unlink()
    torch.save({"lin0.model.1.weight": torch.rand(1, 64, 1, 1)}, tmp_path / "alex.pth")
    with pytest.raises(MetricWeightsError, match=r"alex\.pth is not the published file"):
        load_perceptual_metrics(tmp_path)
