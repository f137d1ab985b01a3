# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of drawings as tensors, as the piece matcher reads them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from .piece_views import VIEWS
from .pieces import GEOMETRY, STRIDE, Pieces

PAD = 16
"""The number of pieces is padded to a multiple of this where drawings have different numbers."""


class Shares(NamedTuple):
    """Which features lie under the pieces of D drawings, piece by piece.

    feature: int64 [E], numbers of features, counted row by row over all drawings. weight: [E], the share of the piece's
    pixels. first: int64 [D N], where the features of each piece begin.
    """

    feature: torch.Tensor
    weight: torch.Tensor
    first: torch.Tensor


class DrawnPieces(NamedTuple):
    """The pieces of D drawings of one size, padded to N pieces each; see `Pieces`.

    line_art: uint8 [D, H, W]. geometry: [D, N, GEOMETRY]. views: uint8 [D, N, VIEWS]. centers: [D, N, 2], from the
    middle of the drawing, in its heights. areas: [D, N], shares of the drawing, 0 where there is no piece. regions:
    int64 [D, N], below N. fine, coarse: shares of the features at a quarter and at an eighth of the drawing's size.
    """

    line_art: torch.Tensor
    geometry: torch.Tensor
    views: torch.Tensor
    centers: torch.Tensor
    areas: torch.Tensor
    regions: torch.Tensor
    fine: Shares
    coarse: Shares


def collate_pieces(line_art: Sequence[np.ndarray], pieces: Sequence[Pieces]) -> DrawnPieces:
    """Return the pieces of drawings, line art uint8 [H, W] each, as tensors."""
    counts = {len(found) for found in pieces}
    most = counts.pop() if len(counts) == 1 else -(-max(counts) // PAD) * PAD
    height, width = pieces[0].shape
    return DrawnPieces(
        torch.from_numpy(np.stack(line_art)),
        pad_pieces([found.geometry for found in pieces], most, (GEOMETRY,)),
        pad_pieces([found.views for found in pieces], most, VIEWS),
        pad_pieces([found.relative_centers for found in pieces], most, (2,)),
        pad_pieces([found.areas / np.float32(height * width) for found in pieces], most),
        pad_pieces([np.unique(found.regions, return_inverse=True)[1] for found in pieces], most),
        _collate_shares([found.fine for found in pieces], pieces, most, STRIDE),
        _collate_shares([found.coarse for found in pieces], pieces, most, 2 * STRIDE),
    )


def pad_pieces(values: Sequence[np.ndarray], most: int, shape: tuple[int, ...] = ()) -> torch.Tensor:
    """Stack values [P, *shape] of the pieces of drawings, padded with zeros, to [D, most, *shape]."""
    padded = np.zeros((len(values), most, *shape), values[0].dtype)
    for own, given in zip(padded, values, strict=True):
        own[: len(given)] = given
    return torch.from_numpy(padded)


def _collate_shares(shares: Sequence[np.ndarray], pieces: Sequence[Pieces], most: int, stride: int) -> Shares:
    """shares: int [E, 3] of each drawing: piece, square, and pixels."""
    height, width = pieces[0].shape
    squares = -(-height // stride) * -(-width // stride)
    numbers = [part[:, 1].astype(np.int64) + index * squares for index, part in enumerate(shares)]
    weights = [part[:, 2] / found.areas[part[:, 0]] for part, found in zip(shares, pieces, strict=True)]
    counts = np.concatenate([np.bincount(part[:, 0], minlength=most) for part in shares])
    return Shares(
        torch.from_numpy(np.concatenate(numbers)),
        torch.from_numpy(np.concatenate(weights).astype(np.float32)),
        torch.from_numpy(np.cumsum(counts) - counts),
    )
