"""Where a run can be followed: a log of JSON lines always, and the trackers that its recipe names.

A tracker has four methods: `start` (which run), `log` (what happened at a step), `file`, and `finish` (what the run
came to). The points of a run lie on one axis, its steps over all stage_runs.
"""

from mere.training.tracking.base import TrackedRun, Tracker, scalars
from mere.training.tracking.jsonl import JsonLines
from mere.training.tracking.trackers import Trackers, trackers_of

__all__ = ["JsonLines", "TrackedRun", "Tracker", "Trackers", "scalars", "trackers_of"]
