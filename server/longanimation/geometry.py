# SPDX-License-Identifier: GPL-3.0-or-later
"""The geometry of a model: how pixels and drawings become latents and patches, and which tensors fit."""

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel


@dataclass(frozen=True)
class Geometry:
    """spatial: pixels per latent, in each direction. temporal: drawings per latent, after the first. channels: of a
    latent. patch: latents per token, in each direction; patch_time: in time.
    """

    spatial: int
    temporal: int
    channels: int
    patch: int
    patch_time: int

    @classmethod
    def of(cls, vae: AutoencoderKLCogVideoX, transformer: CogVideoXTransformer3DModel) -> "Geometry":
        """Return the geometry of a model; its modules may be on the meta device."""
        return cls(
            spatial=2 ** (len(vae.config.block_out_channels) - 1),
            temporal=int(vae.config.temporal_compression_ratio),
            channels=vae.config.latent_channels,
            patch=transformer.config.patch_size,
            patch_time=transformer.config.patch_size_t or 1,
        )

    @property
    def multiple(self) -> int:
        """Heights and widths must be multiples of this."""
        return self.spatial * self.patch

    def segment_length(self, drawings: int) -> int:
        """Return the smallest number of drawings, at least `drawings`, that fills latents and patches."""
        while (drawings - 1) % self.temporal or self.latents(drawings) % self.patch_time:
            drawings += 1
        return drawings

    def check_segment(self, drawings: int) -> None:
        """Raise ValueError when segments of so many drawings do not fill latents and patches. They would be filled with
        repetitions of the last drawing, so that its latents were fused with latents of other drawings (§3.3)."""
        following = self.segment_length(drawings)
        if following != drawings:
            shorter = (count for count in range(drawings, 0, -1) if self.segment_length(count) == count)
            nearest = " or ".join(str(count) for count in (next(shorter, None), following) if count is not None)
            raise ValueError(
                f"`segment` is {drawings}, but the model joins {self.temporal} drawings in a latent, and "
                f"{self.patch_time} latents in a token. Segments of this length would be joined misaligned: set it to "
                f"{nearest}."
            )

    def latents(self, drawings: int) -> int:
        """Return the number of latents of a number of drawings, including the reference's latent."""
        return 1 + (drawings - 1) // self.temporal + 1

    def check(
        self,
        references: torch.Tensor,
        reference_sketch: torch.Tensor | None,
        sketches: torch.Tensor | None,
        sketch_latents: torch.Tensor | None,
        latents: torch.Tensor | None,
        hints: torch.Tensor | None = None,
    ) -> None:
        """Raise ValueError when the inputs of a segment do not fit the model or each other, or are not numbers."""
        if (sketches is None) == (sketch_latents is None) or (sketches is None) != (reference_sketch is None):
            raise ValueError("Give either `reference_sketch` and `sketches`, or `sketch_latents`, which holds both.")
        given = {
            "references": references,
            "reference_sketch": reference_sketch,
            "sketches": sketches,
            "sketch_latents": sketch_latents,
            "latents": latents,
            "hints": hints,
        }
        tensors = {name: tensor for name, tensor in given.items() if tensor is not None}
        for name, tensor in tensors.items():
            if not torch.isfinite(tensor).all():
                count = int((~torch.isfinite(tensor)).sum())
                raise ValueError(f"`{name}` holds {count} values that are NaN or infinite: create it again.")
        height, width = references.shape[-2:]
        self._check_size(height, width)
        for name in ("reference_sketch", "sketches", "hints"):
            if name in tensors and tensors[name].shape[-2:] != (height, width):
                raise ValueError(
                    f"The references are {width}×{height}, but `{name}` is {list(tensors[name].shape)}: give one size."
                )
        if sketches is not None and (len(sketches) - 1) % self.temporal:
            raise ValueError(
                f"A segment has {self.temporal}·k + 1 drawings, not {len(sketches)}: repeat the last one up to "
                f"{self.segment_length(len(sketches))}."
            )
        count = sketch_latents.shape[1] if sketches is None else self.latents(len(sketches))  # type: ignore[union-attr]
        if count % self.patch_time:
            raise ValueError(
                f"The segment's {count} latents, the reference's counted, do not fill patches of {self.patch_time} "
                "latents: `segment_length` returns how many drawings do."
            )
        if hints is not None and (self.latents(hints.shape[1]) != count or len(hints) != len(references)):
            raise ValueError(
                f"`hints` must hold a picture for each of the segment's drawings, in {len(references)} colorings, not "
                f"{list(hints.shape)}."
            )
        shape = (count, self.channels, height // self.spatial, width // self.spatial)
        for name in ("sketch_latents", "latents"):
            if name in tensors and tensors[name].shape[1:] != shape:
                raise ValueError(
                    f"`{name}` must be [B, {', '.join(map(str, shape))}], not {list(tensors[name].shape)}."
                )

    def _check_size(self, height: int, width: int) -> None:
        if height % self.multiple or width % self.multiple:
            fitting = [max(1, round(side / self.multiple)) * self.multiple for side in (width, height)]
            raise ValueError(
                f"The size {width}×{height} must be a multiple of {self.multiple} in both directions: scale or pad it, "
                f"to {fitting[0]}×{fitting[1]} for example (`sketch.fit_size` does)."
            )
