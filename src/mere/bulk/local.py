"""The engine of one machine: worker processes, one thread each, started again when they die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess

from mere.bulk.plan import Shard
from mere.bulk.worker import Failure, Job, ShardReport, Worker, failure
from mere.errors import MereError

_STARTS = 3  # workers that may die in a row before one has loaded the model
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Death:
    """A worker died in a shard, which another one will begin again."""

    shard: str
    exit_code: int | None

    def __str__(self) -> str:
        code = self.exit_code
        how = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
        return f"a worker ended with {how} in {self.shard}; another one begins it again"


@dataclass
class _Member:
    process: SpawnProcess
    connection: Connection
    shard: Shard | None = None
    ready: bool = False


def run_local(job: Job, shards: Sequence[Shard], workers: int | None) -> Generator[ShardReport | Death]:
    """Yield a report for every shard, as they are done, and the deaths of workers on the way.

    Args:
        workers: processes; None: one for each core that this process may use.

    Raises:
        MereError: a worker cannot go on, or none can start.
    """
    context = multiprocessing.get_context("spawn")
    size = workers or len(os.sched_getaffinity(0))
    waiting = deque(shards)
    crew: dict[Connection, _Member] = {}
    failed_starts = 0
    try:
        while waiting or crew:
            while waiting and len(crew) < min(size, len(waiting) + _at_work(crew)):
                member = _start(context, job)
                crew[member.connection] = member
            for connection in wait(list(crew)):
                assert isinstance(connection, Connection)
                member = crew[connection]
                try:
                    message = connection.recv()
                except (EOFError, ConnectionResetError):
                    del crew[connection]
                    member.process.join()
                    if member.shard is not None:
                        waiting.appendleft(member.shard)
                        yield Death(member.shard.name, member.process.exitcode)
                    elif not member.ready:
                        failed_starts += 1
                        if failed_starts == _STARTS:
                            raise MereError(_cannot_start(member.process.exitcode)) from None
                    continue
                if isinstance(message, Failure):
                    raise message.error()
                failed_starts, member.ready = 0, True
                member.shard = waiting.popleft() if waiting else None
                if member.shard is None:
                    connection.close()  # which ends it
                    del crew[connection]
                else:
                    connection.send(member.shard)
                if isinstance(message, ShardReport):
                    yield message
    finally:
        for member in crew.values():
            member.process.kill()
            member.process.join()


def _at_work(crew: dict[Connection, _Member]) -> int:
    return sum(member.shard is not None for member in crew.values())


def _start(context: SpawnContext, job: Job) -> _Member:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, job), daemon=True)
    with _environment():
        process.start()
    theirs.close()  # so that its death closes the last one, and we hear of it
    return _Member(process, ours)


@contextmanager
def _environment() -> Iterator[None]:
    """Let a process that starts use one thread: libraries of arithmetic read this when they are loaded."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(connection: Connection, job: Job) -> None:
    """Be a worker: load the model, say so, then answer shards until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the run ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        worker = Worker(job)
    except Exception as error:
        connection.send(failure(error))
        return
    connection.send(None)
    while True:
        try:
            shard: Shard = connection.recv()
        except EOFError:
            return
        connection.send(worker.answer(shard))


def _end_with_parent() -> None:
    """End this process as soon as the run's does, however that ends: nobody would hear of its work."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _cannot_start(exit_code: int | None) -> str:
    return (
        f"{_STARTS} workers in a row ended (the last with exit code {exit_code}) before they had loaded the model; "
        "short of memory? Try fewer --workers."
    )
