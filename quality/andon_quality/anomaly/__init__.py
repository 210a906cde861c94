"""Strange points in a stream, found as they come."""

from andon_quality.anomaly.aspects import Aspect
from andon_quality.anomaly.detector import Detection, DetectorState, advance, detect, start
from andon_quality.anomaly.watcher import Watch

__all__ = ["Aspect", "Detection", "DetectorState", "Watch", "advance", "detect", "start"]
