"""A Spark session for one plan: the kernel over Parquet by `mapInArrow`, and ids that stand more than once.

Where Spark runs is Spark's own settings (spark-defaults.conf, PYSPARK_SUBMIT_ARGS); without any it is this machine.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from syncd.errors import ConfigError
from syncd.jobs.spark.worker import settle_partition
from syncd.jobs.stages import Stages
from syncd.rules.arrow.cell_texts import WHITE
from syncd.rules.arrow.kernel import Recipe
from syncd.rules.arrow.parquet import FILE, ROW, ParquetExport
from syncd.rules.arrow.settling import Repeated
from syncd.rules.exports import Remarks

RESULT = "file string, row long, cells string, territory string, owner string, tally string"
"""The kernel's result in Spark's words."""
_INTERPRETER, _OPTIONS = "PYSPARK_PYTHON", "SPARK_SUBMIT_OPTS"
_QUIET = Path(__file__).with_name("log4j2.properties")
"""Errors only: what Spark remarks at its start says nothing about a plan. Whoever sets SPARK_SUBMIT_OPTS sees all."""
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
        "spark.sql.legacy.parquet.nanosAsLong": "true",  # the kernel knows which whole numbers are instants
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
)


class Spark:
    """Runs kernels in a session of its own, which ends with the `with`. See `settling.Engine`.

    Raises ConfigError SYN566 where Spark cannot start or finish, with its words.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._session: Any = None
        self._read: DataFrame | None = None

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
            shared = self._session.sparkContext.broadcast(data)
            read = self._session.read.parquet(*(str(file.absolute()) for file in export.files))
            columns = [F.col(f"`{name}`") for name, _ in export.columns]
            where = read.metadataColumn("_metadata")
            self._read = read.select(*columns, where["file_name"].alias(FILE), where["row_index"].alias(ROW))
            self._id = next(name for name, field in export.columns if field == "id")
            name = hashlib.blake2b(data, digest_size=16).hexdigest()
            found = self._read.mapInArrow(settle_partition(shared, name), RESULT).toArrow()
        yield from found.to_batches()

    def repeated(self) -> Iterator[Repeated]:
        """See Engine."""
        if self._read is None:
            return
        with self._stages.stage("look for repeated ids"), _told("finish"):
            trimmed = F.btrim(F.col(f"`{self._id}`").cast("string"), F.lit(WHITE)).alias("id")
            ids = self._read.select(trimmed, FILE, ROW).where("id != ''")
            often = ids.groupBy("id").count().where("count > 1").select("id")
            found = [] if often.isEmpty() else ids.join(often, "id").collect()
        yield from ((row["id"], row[FILE], row[ROW]) for row in found)


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
