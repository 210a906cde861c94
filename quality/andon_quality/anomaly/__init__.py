"""Anomaly detection in a stream, point by point."""

from andon_quality.anomaly.aspects import Aspect
from andon_quality.anomaly.detector import Detection, DetectorState, advance, detect, start
from andon_quality.anomaly.watcher import AspectWatch

__all__ = ["Aspect", "AspectWatch", "Detection", "DetectorState", "advance", "detect", "start"]
