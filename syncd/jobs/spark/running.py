"""A Spark session for one plan: the kernel over the row groups of Parquet files by `mapInArrow`.

Spark deals out row groups, whose rows each worker reads itself, by the same path as here. Where Spark runs is Spark's
own settings (spark-defaults.conf, PYSPARK_SUBMIT_ARGS); without any it is this machine.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from syncd.errors import ConfigError
from syncd.jobs.spark.worker import find_partition, settle_partition
from syncd.jobs.stages import Stages
from syncd.rules.arrow.id_digests import Digests
from syncd.rules.arrow.kernel import Recipe
from syncd.rules.arrow.settling import Placed
from syncd.rules.exports.parquet import ParquetExport, Stretch, stretches
from syncd.rules.exports.rows import Remarks

RESULT = "file string, row long, cells string, territory string, owner string, tally string, ids binary"
PLACED = "id string, file string, row long"
"""What the workers give, in Spark's words."""
_INTERPRETER, _OPTIONS = "PYSPARK_PYTHON", "SPARK_SUBMIT_OPTS"
_QUIET = Path(__file__).with_name("log4j2.properties")
"""Errors only: what Spark remarks at its start says nothing about a plan. Whoever sets SPARK_SUBMIT_OPTS sees all."""
_SETTINGS: Mapping[str, str] = MappingProxyType({"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"})
_TASKS = 4
"""Tasks for each core at most: who is done early takes another."""


class Spark:
    """Runs kernels in a session of its own, which ends with the `with`. See `settling.Engine`.

    Raises ConfigError SYN566 where Spark cannot start or finish, with its words.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._session: Any = None
        self._shared: Any = None
        self._name = self._id = ""
        self._groups: Sequence[Stretch] = ()

    def __enter__(self) -> Self:
        # pyspark takes the workers' interpreter from the environment alone, and else the first python3 of the PATH.
        os.environ.setdefault(_INTERPRETER, sys.executable)
        os.environ.setdefault(_OPTIONS, f"-Dlog4j2.configurationFile={_QUIET.as_uri()}")
        with self._stages.stage("start Spark"), _told("start"):
            builder = SparkSession.builder.appName("syncd plan")
            for name, value in _SETTINGS.items():
                builder = builder.config(name, value)
            self._session = builder.getOrCreate()
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.stop()

    def run(self, export: ParquetExport, recipe: Recipe, remarks: Remarks) -> Iterator[Any]:
        """See Engine. A file that breaks off ends the run with Spark's words, not with a finding."""
        del remarks
        data = recipe.to_bytes()
        with self._stages.stage("settle by Spark"), _told("finish"):
            self._shared = self._session.sparkContext.broadcast(data)
            self._name = hashlib.blake2b(data, digest_size=16).hexdigest()
            self._groups, self._id = stretches(export), export.id_column
            found = self._over_groups(settle_partition(self._shared, self._name, self._groups), RESULT)
        yield from found.to_batches()

    def rows_of(self, digests: Digests) -> Iterator[Placed]:
        """See Engine."""
        with self._stages.stage("look for repeated ids"), _told("finish"):
            finding = find_partition(self._shared, self._name, self._groups, self._id, digests)
            found = self._over_groups(finding, PLACED).to_pylist()
        yield from ((row["id"], row["file"], row["row"]) for row in found)

    def _over_groups(self, work: Callable[[Any], Any], result: str) -> Any:
        """What some work makes of every row group, as a table of Arrow's."""
        count = len(self._groups)
        parts = min(count, _TASKS * self._session.sparkContext.defaultParallelism)
        return self._session.range(0, count, 1, max(1, parts)).mapInArrow(work, result).toArrow()


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Spark's failures in one line of ours."""
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        hint = "Spark's own log says more; leave --engine out to decide on this machine"
        raise ConfigError("SYN566", f"Spark could not {what}: {_words(error)}", hint=hint) from error


def _words(error: Exception) -> str:
    """The line of a failure that says what happened: of a worker's traceback the last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if line.startswith("syncd.") or "Error: " in line or "Exception: " in line]
    return (named or lines or [type(error).__name__])[-1 if named else 0][:300]
