# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that use a published network: LPIPS, FID and FVD. A metric is refused if its weights are missing."""

from .metrics import METRIC_WEIGHTS, PerceptualMetrics, load_perceptual_metrics
from .weights import MetricWeightsError

__all__ = ["METRIC_WEIGHTS", "MetricWeightsError", "PerceptualMetrics", "load_perceptual_metrics"]
