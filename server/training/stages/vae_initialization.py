# SPDX-License-Identifier: GPL-3.0-or-later
"""Initial weights of the tiny autoencoder, which let it learn in minutes.

CogVideoX's autoencoder normalizes every layer over the whole picture, which hides how bright a flat color is. Therefore
two channels hold large constants. They dominate the statistics of the norms, so that the norms are nearly fixed scales.
At first the picture itself passes through unchanged (as means and Haar differences in the encoder), because the
residual branches start at zero.
"""

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import nn

CONSTANT = 3.0

_HAAR = torch.tensor([[[1, 1], [1, 1]], [[1, -1], [1, -1]], [[1, 1], [-1, -1]], [[1, -1], [-1, 1]]]) / 4.0


@torch.no_grad()
def initialize_near_identity(vae: AutoencoderKLCogVideoX) -> None:
    """Set the weights of a new autoencoder whose norms have one group."""
    for name, module in vae.named_modules():
        if name.endswith("conv2"):
            nn.init.zeros_(module.conv.weight)
            nn.init.zeros_(module.conv.bias)
        elif name.endswith("conv_shortcut"):
            _pass_through(module)
        elif name.endswith("conv_y"):
            nn.init.zeros_(module.conv.weight)
            nn.init.ones_(module.conv.bias)
        elif name.endswith("conv_b"):
            module.conv.weight *= 0.1
            nn.init.zeros_(module.conv.bias)
        elif "upsamplers" in name and name.endswith("conv"):
            _pass_through(module)
        elif "downsamplers" in name and name.endswith("conv"):
            _halve(module)
    for half in (vae.encoder, vae.decoder):
        _add_constants(half.conv_in.conv)
    # SiLU is nearly linear around one.
    nn.init.ones_(vae.encoder.norm_out.bias)
    nn.init.ones_(vae.decoder.norm_out.conv_b.conv.bias)
    for picture in (vae.encoder.conv_in, vae.encoder.conv_out, vae.decoder.conv_in, vae.decoder.conv_out):
        picture.conv.weight[:3] = 0
        picture.conv.weight[range(3), range(3), -1, 1, 1] = 1
    # The posterior starts nearly certain, so that the decoder has something to learn from.
    vae.encoder.conv_out.conv.bias[vae.config.latent_channels :] = -8
    _calibrate(vae)


def _calibrate(vae: AutoencoderKLCogVideoX) -> None:
    """Center the latents and fit the output to the input, channel by channel, on mosaics of random colors."""
    colors = torch.rand(4, 3, 1, 8, 8) * 2 - 1
    mosaic = colors.repeat_interleave(8, dim=3).repeat_interleave(8, dim=4)
    latents = vae.encode(mosaic).latent_dist.mean
    vae.encoder.conv_out.conv.bias[: vae.config.latent_channels] -= latents.mean(dim=(0, 2, 3, 4))
    output = vae.decode(vae.encode(mosaic).latent_dist.mean).sample
    out = vae.decoder.conv_out.conv
    for channel in range(3):
        wanted, found = mosaic[:, channel], output[:, channel]
        slope = ((wanted - wanted.mean()) * (found - found.mean())).mean() / found.var()
        out.weight[channel] *= slope
        out.bias[channel] = slope * (out.bias[channel] - found.mean()) + wanted.mean()


def _add_constants(conv: nn.Module) -> None:
    conv.weight[-2:] = 0
    conv.bias[-2:] = torch.tensor([CONSTANT, -CONSTANT])


def _pass_through(conv: nn.Module) -> None:
    """Keep as many channels as fit, and always the two constants. Noise of a tenth elsewhere breaks the symmetry."""
    outputs, inputs = conv.weight.shape[:2]
    center = tuple(size // 2 for size in conv.weight.shape[2:])
    conv.weight *= 0.1
    conv.weight[-2:] = 0
    nn.init.zeros_(conv.bias)
    for channel in range(min(outputs, inputs) - 2):
        conv.weight[channel] = 0
        conv.weight[(channel, channel, *center)] = 1
    for constant in (-2, -1):
        conv.weight[(constant, constant, *center)] = 1


def _halve(conv: nn.Conv2d) -> None:
    """Average 2×2 pixels of every channel. Haar differences of the picture replace the channels after the last one in
    use."""
    channels = conv.weight.shape[0]
    conv.weight *= 0.1
    nn.init.zeros_(conv.bias)
    first_free = 3 if channels == 16 else 12
    for channel in (*range(first_free), channels - 2, channels - 1):
        conv.weight[channel] = 0
        conv.weight[channel, channel, :2, :2] = _HAAR[0]
    for difference in range(1, 4):
        for color in range(3):
            target = first_free + 3 * (difference - 1) + color
            conv.weight[target] = 0
            conv.weight[target, color, :2, :2] = _HAAR[difference]
