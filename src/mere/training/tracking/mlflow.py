"""MLflow, where the variables MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import mlflow

from mere.config.tree import leaves
from mere.training.tracking.base import TrackedRun, Tracker, identity, scalars

TAG = "mere.run"
"""By this tag of a run, our own name for it, a run that goes on is found again."""
PARAMS_PER_CALL = 100


class MLflow(Tracker):
    """Logs the recipe's settings as parameters, and numbers as metrics."""

    def start(self, run: TrackedRun) -> None:
        """Begin a run, or go on with it. A server forgets no point, so those that it has are not sent again."""
        name = identity(run.folder)
        found = mlflow.search_runs(
            search_all_experiments=True, filter_string=f"tags.`{TAG}` = '{name}'", output_format="list"
        )
        self._last: dict[str, int] = {}
        if found:
            known = found[0]
            mlflow.start_run(run_id=known.info.run_id)
            client = mlflow.MlflowClient()
            for key in known.data.metrics:
                history = client.get_metric_history(known.info.run_id, key)
                self._last[key] = max(point.step for point in history)
        else:
            mlflow.start_run(run_name=run.name, tags={TAG: name})
            settings = ((path, str(value)) for path, value in leaves(run.settings))
            while part := dict(islice(settings, PARAMS_PER_CALL)):
                mlflow.log_params(part)
        self._step = run.since

    def log(self, record: Mapping[str, Any], step: int) -> None:
        self._step = step
        numbers = {re.sub(r"[^\w\-./: ]", "_", key): value for key, value in scalars(record).items()}
        new = {key: value for key, value in numbers.items() if step > self._last.get(key, -1)}
        if new:
            mlflow.log_metrics(new, step=step)

    def file(self, path: Path) -> None:
        mlflow.log_artifact(str(path))

    def finish(self, result: Mapping[str, Any] | None) -> None:
        self.log(result or {}, self._step)
        mlflow.end_run("KILLED" if result is None else "FINISHED")
