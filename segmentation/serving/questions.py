"""What only the tables know, asked of them without an engine; runs in a process of its own, see `desk`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from segmentation.engines.local import LocalFiles
from segmentation.errors import NoDataError
from segmentation.insights.plain import plain
from segmentation.schemas import CUSTOMER_ID
from segmentation.state.commits import published_version
from segmentation.state.output import Output

if TYPE_CHECKING:
    from deltalake import DeltaTable

Row = dict[str, Any]
# One core is enough for a question, and holds less memory.
SETTINGS = {"datafusion.execution.target_partitions": "1"}
CHANGES = ("changed_at", "as_of", "dimension", "from_label", "to_label", "cause", "run_id")
FLOW = ("dimension", "from_label", "to_label", "cause")


def metrics(output: Output, version: int, customer: str) -> Row:
    """All that the table of customers holds of one.

    Raises:
        NoDataError: nothing of this customer is published.
    """
    rows = _ask(_table(output.segments, version), "*", _is(customer))
    if not rows:
        raise NoDataError("Customer not found")
    return {name: plain(value) for name, value in rows[0].items()}


def crossed(output: Output, version: int, by: Sequence[str]) -> list[Row]:
    """Customers by the labels of some dimensions, ``customers`` each."""
    names = ", ".join(f'"{name}"' for name in by)
    counted = f"{names}, count(*) AS customers"
    return _ask(_table(output.segments, version), counted, f"true GROUP BY {names} ORDER BY {names}")


def history(output: Output, said: Mapping[str, Any], customer: str) -> list[Row]:
    """The changes of a customer's labels, the earliest first."""
    order = "ORDER BY changed_at, run_id, dimension"
    rows = _ask(_changes(output, said), ", ".join(CHANGES), f"{_is(customer)} {order}")
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def changed(output: Output, said: Mapping[str, Any], since: str, after: str | None, limit: int) -> list[str]:
    """Ids of customers with a label that changed at or after a moment (UTC, ISO 8601), in byte order."""
    beyond = "" if after is None else f"AND {CUSTOMER_ID} > {_quoted(after)}"
    where = f"{_since(since)} {beyond} ORDER BY {CUSTOMER_ID} LIMIT {limit:d}"
    rows = _ask(_changes(output, said), f"DISTINCT {CUSTOMER_ID}", where)
    return [row[CUSTOMER_ID] for row in rows]


def movements(output: Output, said: Mapping[str, Any], since: str) -> list[Row]:
    """Changes of labels at or after a moment (UTC, ISO 8601) by dimension, labels and cause, the largest flow first."""
    names = ", ".join(FLOW)
    order = f"dimension, customers DESC, {names}"
    where = f"{_since(since)} GROUP BY {names} ORDER BY {order}"
    return _ask(_changes(output, said), f"{names}, count(*) AS customers", where)


def _changes(output: Output, said: Mapping[str, Any]) -> DeltaTable:
    return _table(output.changes, published_version(LocalFiles(), output.changes, said))


@lru_cache(maxsize=8)
def _table(path: str, version: int) -> DeltaTable:
    """A table as it was published; to look into its log takes longer than to ask it."""
    from deltalake import DeltaTable

    return DeltaTable(path, version=version)


def _ask(table: DeltaTable, what: str, where: str) -> list[Row]:
    from deltalake import QueryBuilder

    sql = f"SELECT {what} FROM t WHERE {where}"  # noqa: S608 - what callers give is in quotes
    batches: Any = QueryBuilder(SETTINGS).register("t", table).execute(sql)
    return [dict(row.as_py()) for batch in batches for row in batch.to_struct_array()]


def _since(moment: str) -> str:
    return f"changed_at >= arrow_cast({_quoted(moment)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"


def _is(customer: str) -> str:
    return f"{CUSTOMER_ID} = {_quoted(customer)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
