"""What only the tables know, asked of them without an engine; runs in a process of its own, see `desk`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from segmentation.engines.local import LocalFiles
from segmentation.insights.plain import plain
from segmentation.locations import last_name
from segmentation.schemas import CUSTOMER_ID
from segmentation.state.commits import published_version
from segmentation.state.output import Output

if TYPE_CHECKING:
    from deltalake import DeltaTable

Row = dict[str, Any]
# By the commit of the customers.
Said = Mapping[str, Any]
# One core is enough for a question, and holds less memory.
SETTINGS = {"datafusion.execution.target_partitions": "1"}
CHANGES = ("changed_at", "as_of", "dimension", "from_label", "to_label", "cause", "run_id")


def metrics(output: Output, said: Said, customer: str) -> list[Row]:
    """All that the table of customers holds of one, as a row; none where nothing is published of them."""
    rows = _ask(output.segments, said, "*", _is(customer))
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def crossed(output: Output, said: Said, by: Sequence[str]) -> list[Row]:
    """Customers by the labels of some dimensions, ``customers`` each."""
    names = ", ".join(f'"{name}"' for name in by)
    return _ask(output.segments, said, f"{names}, count(*) AS customers", f"true GROUP BY {names} ORDER BY {names}")


def history(output: Output, said: Said, customer: str) -> list[Row]:
    """The changes of a customer's labels, the earliest first."""
    where = f"{_is(customer)} ORDER BY changed_at, run_id, dimension"
    rows = _ask(output.changes, said, ", ".join(CHANGES), where)
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def changed(output: Output, said: Said, since: str, after: str | None, limit: int) -> list[str]:
    """Ids of customers with a label that changed at or after a moment (UTC, ISO 8601), in byte order."""
    moment = f"arrow_cast({_quoted(since)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    beyond = "" if after is None else f"AND {CUSTOMER_ID} > {_quoted(after)}"
    where = f"changed_at >= {moment} {beyond} ORDER BY {CUSTOMER_ID} LIMIT {limit:d}"
    return [row[CUSTOMER_ID] for row in _ask(output.changes, said, f"DISTINCT {CUSTOMER_ID}", where)]


def _ask(path: str, said: Said, what: str, where: str) -> list[Row]:
    """Rows of a table as it was published."""
    from deltalake.exceptions import DeltaError

    # The commit of the customers says nothing of its own table.
    writer = said.get("tables", {}).get(last_name(path), said["run_id"])
    try:
        return _rows(_table(path, writer), what, where)
    except DeltaError:
        # Housekeeping has put its files together: they are others now, of the same rows.
        _table.cache_clear()
        return _rows(_table(path, writer), what, where)


@lru_cache(maxsize=8)
def _table(path: str, writer: str) -> DeltaTable:
    """A table as it was published; to look into its log takes longer than to ask it."""
    from deltalake import DeltaTable

    return DeltaTable(path, version=published_version(LocalFiles(), path, writer))


def _rows(table: DeltaTable, what: str, where: str) -> list[Row]:
    from deltalake import QueryBuilder

    sql = f"SELECT {what} FROM t WHERE {where}"  # noqa: S608 - what callers give is in quotes
    batches: Any = QueryBuilder(SETTINGS).register("t", table).execute(sql)
    return [dict(row.as_py()) for batch in batches for row in batch.to_struct_array()]


def _is(customer: str) -> str:
    return f"{CUSTOMER_ID} = {_quoted(customer)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
