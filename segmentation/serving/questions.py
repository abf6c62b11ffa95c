"""What only the tables know, asked of them without an engine; runs in a process of its own, see `desk`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from segmentation.config import SegmentationConfig
from segmentation.errors import SegmentationError
from segmentation.insights.plain import plain
from segmentation.insights.shelf import Shelf, quoted
from segmentation.schemas import CHANGE_COLUMNS, CUSTOMER_ID
from segmentation.state.output import Output

Row = dict[str, Any]
# By the commit of the customers.
Said = Mapping[str, Any]
Answer = TypeVar("Answer")
FLOW = ("dimension", "from_label", "to_label", "cause")


def metrics(output: Output, said: Said, customer: str) -> list[Row]:
    """All that the table of customers holds of one, as a row; none where nothing is published of them."""
    rows = _rows(output, said, f"SELECT * FROM customer_segments WHERE {_is(customer)}")  # noqa: S608 - quoted
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def crossed(output: Output, said: Said, by: Sequence[str]) -> list[Row]:
    """Customers by the labels of some dimensions, ``customers`` each."""
    names = ", ".join(f'"{name}"' for name in by)
    grouped = f"FROM customer_segments GROUP BY {names} ORDER BY {names}"
    return _rows(output, said, f"SELECT {names}, count(*) AS customers {grouped}")


def history(output: Output, said: Said, config: SegmentationConfig, customer: str) -> list[Row]:
    """The changes of a customer's labels, the earliest first; moments as the configured zone has them."""
    rows = _changes(output, said, ", ".join(CHANGE_COLUMNS), f"{_is(customer)} ORDER BY changed_at, run_id, dimension")
    told = [{**row, "changed_at": row["changed_at"].astimezone(config.zone)} for row in rows]
    return [{name: plain(value) for name, value in row.items()} for row in told]


def changed(output: Output, said: Said, since: str, after: str | None, limit: int) -> list[str]:
    """Ids of customers with a label that changed at or after a moment (UTC, ISO 8601), in byte order."""
    beyond = "" if after is None else f"AND {CUSTOMER_ID} > {quoted(after)}"
    where = f"{_since(since)} {beyond} ORDER BY {CUSTOMER_ID} LIMIT {limit:d}"
    return [row[CUSTOMER_ID] for row in _changes(output, said, f"DISTINCT {CUSTOMER_ID}", where)]


def movements(output: Output, said: Said, since: str) -> list[Row]:
    """Changes of labels at or after a moment (UTC, ISO 8601) by dimension, labels and cause, the largest flow first."""
    names = ", ".join(FLOW)
    where = f"{_since(since)} GROUP BY {names} ORDER BY dimension, customers DESC, {names}"
    return _changes(output, said, f"{names}, count(*) AS customers", where)


def explained(output: Output, said: Said, config: SegmentationConfig, customer: str) -> Row:
    """All there is to say of a customer, who is published, as `insights.explained` does.

    Raises:
        ConfigError: other dimensions were published than the configuration has.
    """
    from segmentation.insights import explained as explaining
    from segmentation.insights.facts import facts_of

    ruled = _ruled(config, said)
    return _asked(output, said, lambda shelf: explaining.explained(ruled, facts_of(shelf, config, customer)))


def _ruled(config: SegmentationConfig, said: Said) -> Any:
    """The rules of a publication, which take a second to read."""

    def read() -> Any:
        from segmentation.insights.ruled import ruled_apart

        return ruled_apart(config, said)

    key = [config.rules_fingerprint(), *map(said.get, ("rules", "settings", "dimensions", "cuts"))]
    return _kept("rules", key, read)


def _rows(output: Output, said: Said, sql: str) -> list[Row]:
    return _asked(output, said, lambda shelf: shelf.rows(sql))


def _changes(output: Output, said: Said, what: str, where: str) -> list[Row]:
    """Rows of the table of changes, none where no run wrote one."""
    sql = f"SELECT {what} FROM segment_changes WHERE {where}"  # noqa: S608 - quoted
    return _asked(output, said, lambda shelf: shelf.rows(sql) if "segment_changes" in shelf.tables else [])


def _asked(output: Output, said: Said, question: Callable[[Shelf], Answer]) -> Answer:
    try:
        return question(_shelf(output, said))
    except SegmentationError:
        raise
    except Exception:  # noqa: BLE001 - what a reader of files raises has no class of its own
        # Housekeeping has put files together: they are others now, of the same rows.
        _KEPT["tables"].clear()
        return _once_more(output, said, question)


def _once_more(output: Output, said: Said, question: Callable[[Shelf], Answer]) -> Answer:
    try:
        return question(_shelf(output, said))
    except Exception as error:  # noqa: BLE001
        # Not all that is raised there can be sent to another process.
        raise OSError(f"{type(error).__name__}: {error}") from None


def _shelf(output: Output, said: Said) -> Shelf:
    """The tables of a publication; to look into their logs takes longer than to ask them."""
    return _kept("tables", [output.root, said["run_id"], said.get("tables")], lambda: Shelf(output, said))


# What was asked for last: of what is published now, and of what was before it.
_KEPT: dict[str, dict[str, Any]] = {"rules": {}, "tables": {}}
MOST_KEPT = 2


def _kept(what: str, of: Sequence[Any], make: Callable[[], Answer]) -> Answer:
    known, key = _KEPT[what], json.dumps(of)
    if key not in known:
        if len(known) >= MOST_KEPT:
            known.clear()
        known[key] = make()
    found: Answer = known[key]
    return found


def _is(customer: str) -> str:
    return f"{CUSTOMER_ID} = {quoted(customer)}"


def _since(moment: str) -> str:
    return f"changed_at >= arrow_cast({quoted(moment)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
