"""Spark on this machine, for the contenders that have one.

Belongs here: starting it and handing it a table. Does not belong here: what it mines.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.mining.harness import missing_library

DRIVER_MEMORY = "10g"
PARTITIONS = 4


def missing() -> str | None:
    """Say why Spark cannot run here, or nothing if it can."""
    if shutil.which("java") is None:
        return "java is not installed"
    return missing_library("pyspark")()


def local_spark() -> Any:
    """Start Spark in this process, on two cores and on loopback only; the caller may stop it.

    Returns
    -------
    SparkSession
    """
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", DRIVER_MEMORY)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(PARTITIONS))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


def cached_frame(table: pa.Table) -> Any:
    """Start Spark and let it hold a table in memory.

    Parameters
    ----------
    table : pyarrow.Table

    Returns
    -------
    DataFrame
        Of Spark, read and cached.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        pq.write_table(table, path)
        frame = local_spark().read.parquet(str(path)).repartition(PARTITIONS).cache()
        frame.count()
    return frame
