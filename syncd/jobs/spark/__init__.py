"""Apache Spark as the place where the kernel runs: the only room that knows pyspark, imported where it is asked for."""
