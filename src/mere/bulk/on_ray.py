"""The engine of many machines: actors of Ray Data work off the same shards, into the same folder.

Ray decides where actors run, starts them again when they or their machine die, and hands out shards. What is done
is said by the reports in the output folder, which all machines must reach, as they must the corpus and the model.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Generator, Sequence
from typing import Any

from mere.bulk.plan import Shard
from mere.bulk.worker import Failure, Job, ShardReport, Worker, failure
from mere.data.formats.extras import library

EXTRA = "ray"


def connected() -> Any:
    """Return Ray, connected: to the cluster that RAY_ADDRESS names, or to one started here.

    Raises:
        UserError: it is not installed.
    """
    ray, _ = library("ray", EXTRA), library("ray.data", EXTRA)
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    return ray


def run_ray(job: Job, shards: Sequence[Shard], workers: int | None) -> Generator[ShardReport]:
    """Yield a report for every shard, as they are done.

    Args:
        workers: actors, a CPU each; None: as many as the cluster has CPUs.

    Raises:
        MereError: a worker cannot go on.
    """
    ray = connected()
    size = workers or int(ray.cluster_resources().get("CPU", 1))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the run has its own
    numbers = [{"index": index} for index in range(len(shards))]
    answers = ray.data.from_items(numbers, override_num_blocks=len(shards)).map_batches(
        _Actor,
        fn_constructor_args=(job, ray.put(tuple(shards))),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(size, len(shards))),
        num_cpus=1,
    )
    for row in answers.iter_rows():
        answer = json.loads(row["answer"])
        if "message" in answer:
            raise Failure(**answer).error()
        yield ShardReport(**answer)


class _Actor:
    """A worker in an actor of Ray Data; a batch is one shard."""

    def __init__(self, job: Job, shards: Any):
        os.environ["OMP_NUM_THREADS"] = "1"
        self._shards: Sequence[Shard] = library("ray", EXTRA).get(shards)
        try:
            self._worker: Worker | Failure = Worker(job)
        except Exception as error:
            self._worker = failure(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        worker = self._worker
        answer = (
            worker if isinstance(worker, Failure) else worker.answer(self._shards[int(batch["index"][0])])
        )
        return {"answer": [json.dumps(dataclasses.asdict(answer))]}
