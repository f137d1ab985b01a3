# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that look through a published network: LPIPS, FID and FVD. Without its weights a metric is refused."""

from .metrics import METRIC_WEIGHTS, PerceptualMetrics, load_perceptual_metrics
from .weights import MetricWeightsError

__all__ = ["METRIC_WEIGHTS", "MetricWeightsError", "PerceptualMetrics", "load_perceptual_metrics"]
