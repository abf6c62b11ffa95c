"""What serving needs, from PYPROJECT.TOML: the extra `api`, and what all parts of the project share but Spark.

Of Spark, rules are read with the part that needs no Java, which is a package of its own.
"""

import sys
import tomllib
from pathlib import Path

SPARK = ("pyspark", "delta-spark", "setuptools")
project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
shared = [one for one in project["dependencies"] if not one.startswith(SPARK)]
print("\n".join([*shared, *project["optional-dependencies"]["api"]]).replace("pyspark[connect]", "pyspark-client"))
