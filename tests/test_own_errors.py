"""What is wrong with metrics, scores and dimensions of one's own is told before anything is read, with its line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from segmentation.config import load_config
from segmentation.core.segmentation import Segmentation
from segmentation.errors import ConfigError

ROOT = Path(__file__).parent.parent
EXTRA = {"input": {"extra_columns": {"channel": {"from": "Channel"}, "pieces": {"type": "integer"}}}}


def metric(sql: str, name: str = "mine", **others: Any) -> dict[str, Any]:
    return {**EXTRA, "metrics": [{"name": name, "sql": sql, **others}]}


def rule(when: str, *more: tuple[str, str]) -> dict[str, Any]:
    rules = [{"label": "One", "when": when}, *({"label": label, "when": sql} for label, sql in more)]
    return {"dimensions": [{"name": "mine", "rules": rules, "otherwise": "Rest"}]}


def score(**setting: Any) -> dict[str, Any]:
    return {"scores": [{"name": "mine", "of": "lifetime_spend", "cut": {"quantiles": 5}, **setting}]}


def dimension(**setting: Any) -> dict[str, Any]:
    return {"dimensions": [{"name": "mine", **setting}]}


SUM = "sum(amount)"
RULES = [{"label": "One", "when": "total_purchases > 5"}]
# What is configured, where it is wrong, words of the message.
CASES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    # Syntax
    "no end": (metric("sum(amount"), "metrics.0.sql (mine)", ("no expression in SQL", "character")),
    "no operand": (metric("sum(amount) >"), "metrics.0.sql (mine)", ("no expression in SQL",)),
    "two statements": (metric("sum(amount); drop table x"), "metrics.0.sql (mine)", ("cannot be used",)),
    "a name for it": (metric("sum(amount) as x"), "metrics.0.sql (mine)", ("cannot be used",)),
    "too deep": (metric("-(" * 120 + "1" + ")" * 120), "metrics.0.sql (mine)", ("levels",)),
    # Names
    "an unknown column": (metric("sum(amonut)"), "metrics.0.sql (mine)", ("has no 'amonut', did you mean 'amount'?",)),
    "an unknown metric": (rule("total_purchase > 1"), "dimensions.0.rules.0.when (mine, One)", ("'total_purchases'?",)),
    "an unknown function": (
        metric("summ(amount)"),
        "metrics.0.sql (mine)",
        ("no function 'summ', did you mean 'sum'?",),
    ),
    "a score of nothing": (score(of="lifetime_spent"), "scores.0.of (mine)", ("did you mean 'lifetime_spend'?",)),
    "a group that is none": (score(within="market"), "scores.0.within (mine)", ("no metric 'market'",)),
    "a column outside of an aggregate": (metric("sum(amount) + pieces"), "metrics.0.sql (mine)", ("max(pieces)",)),
    "a column without an aggregate": (
        metric("amount * 2"),
        "metrics.0.sql (mine)",
        ("amount must stand in an aggregate",),
    ),
    "a taken name": (metric(SUM, "lifetime_spend"), "metrics.0.name", ("something else already",)),
    "a taken fact": (metric(SUM, "Run_ID"), "metrics.0.name", ("something else already",)),
    "two of one name": (
        {"metrics": [{"name": "one", "sql": SUM}, {"name": "ONE", "sql": SUM}]},
        "metrics.1.name",
        ("something else already",),
    ),
    "a score named like a dimension": (score(name="spending"), "scores.0.name", ("something else already",)),
    "an extra column named like a column": (
        {"input": {"extra_columns": {"amount": {"type": "string"}}}},
        "input.extra_columns.amount",
        ("something else already",),
    ),
    "an extra column named like a flag": (
        {"input": {"extra_columns": {"is_festive": {"type": "string"}}}},
        "input.extra_columns.is_festive",
        ("something else already",),
    ),
    "a label nobody has": (rule("spending = 'High'"), "dimensions.0.rules.0.when (mine, One)", ("'High Value'?",)),
    "a label nobody has, listed": (rule("category in ('Men')"), "dimensions.0.rules.0.when (mine, One)", ("'Mens'?",)),
    "a score nobody has": (
        {
            **score(labels=["A", "B"], cut={"values": [1]}),
            "dimensions": [{"name": "rank", "rules": [{"label": "One", "when": "mine = 'Aa'"}], "otherwise": "Rest"}],
        },
        "dimensions.0.rules.0.when (rank, One)",
        ("mine has no label 'Aa', did you mean 'A'?",),
    ),
    # Kinds
    "a text as a number": (metric("sum(channel)"), "metrics.0.sql (mine)", ("sum takes", "found a text")),
    "a text beside a number": (rule("spending > 5"), "dimensions.0.rules.0.when (mine, One)", ("do not go together",)),
    "a number as a condition": (rule("total_purchases"), "dimensions.0.rules.0.when (mine, One)", ("a condition",)),
    "a number beside AND": (
        rule("total_purchases and true"),
        "dimensions.0.rules.0.when (mine, One)",
        ("a condition",),
    ),
    "branches of two kinds": (metric("max(if(pieces > 1, 'a', 2))"), "metrics.0.sql (mine)", ("do not go together",)),
    "days added up": (metric("max(purchase_date) + 1"), "metrics.0.sql (mine)", ("date_add",)),
    "no day": (metric("count_if(purchase_date > 'June')"), "metrics.0.sql (mine)", ("a day such as",)),
    "a sum of quotients": (metric("sum(pieces / 3)"), "metrics.0.sql (mine)", ("order of rows",)),
    "nothing": (metric("null"), "metrics.0.sql (mine)", ("found NULL",)),
    "a score of a text": (score(of="customer_id"), "scores.0.of (mine)", ("a score cuts numbers",)),
    "a group of numbers": (score(within="total_purchases"), "scores.0.within (mine)", ("a group is a text",)),
    "too many values": (metric("sum(amount, 2)"), "metrics.0.sql (mine)", ("takes 1 values, found 2",)),
    # What is not the same each time, or everywhere
    "chance": (metric("sum(amount) * rand()"), "metrics.0.sql (mine)", ("rand is refused", "chance")),
    "the clock": (metric("datediff(current_date(), max(purchase_date))"), "metrics.0.sql (mine)", ("as_of",)),
    "the clock as a word": (metric("datediff(current_date, max(purchase_date))"), "metrics.0.sql (mine)", ("as_of",)),
    "the first row": (metric("first(channel)"), "metrics.0.sql (mine)", ("order of rows",)),
    "a list of rows": (metric("collect_list(channel)"), "metrics.0.sql (mine)", ("order of rows",)),
    "a deviation": (metric("stddev(amount)"), "metrics.0.sql (mine)", ("order of rows",)),
    "a window": (metric("sum(amount) over (partition by channel)"), "metrics.0.sql (mine)", ("cannot be used",)),
    # What reaches elsewhere
    "a query": (metric("(select max(amount) from purchases)"), "metrics.0.sql (mine)", ("queries are refused",)),
    "a query in IN": (rule("total_purchases in (select 1)"), "dimensions.0.rules.0.when (mine, One)", ("queries",)),
    "EXISTS": (rule("exists (select 1)"), "dimensions.0.rules.0.when (mine, One)", ("queries are refused",)),
    "FROM": (rule("from customers"), "dimensions.0.rules.0.when (mine, One)", ("queries are refused",)),
    "a table": (metric("sum(others.amount)"), "metrics.0.sql (mine)", ("tables are refused",)),
    "Java": (metric("reflect('java.lang.Runtime', 'exit')"), "metrics.0.sql (mine)", ("calls Java",)),
    "Java by its other name": (
        metric("max(java_method('java.util.UUID', 'x'))"),
        "metrics.0.sql (mine)",
        ("calls Java",),
    ),
    "a file": (metric("max(input_file_name())"), "metrics.0.sql (mine)", ("reads files",)),
    "a function of a function": (metric("max(transform(channel, x -> x))"), "metrics.0.sql (mine)", ("no function",)),
    "an aggregate in an aggregate": (metric("sum(max(amount))"), "metrics.0.sql (mine)", ("cannot stand in sum",)),
    "an aggregate in a rule": (rule("sum(amount) > 5"), "dimensions.0.rules.0.when (mine, One)", ("make it a metric",)),
    # What engines do not agree on
    "a doubled quote": (metric("max('o''brien')"), "metrics.0.sql (mine)", ("two texts side by side",)),
    "zero as a divisor": (metric("sum(amount) / 0"), "metrics.0.sql (mine)", ("divides by zero",)),
    "a remainder of zero": (rule("total_purchases % 0 = 1"), "dimensions.0.rules.0.when (mine, One)", ("by zero",)),
    "a number too large": (metric("sum(pieces) + 9223372036854775808"), "metrics.0.sql (mine)", ("up to 9,223,",)),
    "one to choose from": (metric("coalesce(sum(amount))"), "metrics.0.sql (mine)", ("takes at least 2 values",)),
    "three for nullif": (metric("nullif(1, 2, 3)"), "metrics.0.sql (mine)", ("nullif takes 2 values, found 3",)),
    "round by three": (metric("round(sum(amount), 1, 2)"), "metrics.0.sql (mine)", ("round takes 1 to 2 values",)),
    "round to tens": (metric("round(sum(amount), -2)"), "metrics.0.sql (mine)", ("0 to 10, found", "-2")),
    "an empty list": (rule("total_purchases in ()"), "dimensions.0.rules.0.when (mine, One)", ("at least one value",)),
    "a secret": (metric("${HOME}"), "metrics.0.sql (mine)", ("${HOME}",)),
    "a name of what is on the way": (metric(SUM, "total_"), "metrics.0.name", ("ends in _",)),
    "a bell": (
        rule("total_purchases > 5", ("a\x07", "total_purchases > 3")),
        "dimensions.0.rules.1.label",
        ("control",),
    ),
    "a truth": (dimension(rules=RULES, otherwise=False), "dimensions.0.otherwise", ("put it in quotes",)),
    # Circles
    "itself": (metric("mine + 1"), "metrics.0.sql (mine)", ("circle: mine -> mine",)),
    "a circle": (
        {"metrics": [{"name": "one", "sql": "two + 1"}, {"name": "two", "sql": "one + 1"}]},
        "metrics.0.sql (one)",
        ("circle: one -> two -> one",),
    ),
    "what comes below": (
        {"metrics": [{"name": "one", "sql": "two + 1"}, {"name": "two", "sql": SUM}]},
        "metrics.0.sql (one)",
        ("put two above",),
    ),
    "a dimension below": (
        {
            "dimensions": [
                {"name": "one", "rules": [{"label": "A", "when": "two = 'X'"}], "otherwise": "B"},
                {"name": "two", "rules": [{"label": "X", "when": "total_purchases > 1"}], "otherwise": "Y"},
            ]
        },
        "dimensions.0.rules.0.when (one, A)",
        ("put two above",),
    ),
    # Labels
    "a label twice": (
        rule("total_purchases > 5", ("One", "total_purchases > 9")),
        "dimensions.0.rules.1 (mine)",
        ("rule 1",),
    ),
    "a label as the other": (
        rule("total_purchases > 5", ("Rest", "returns > 9")),
        "dimensions.0.rules.1",
        ("otherwise",),
    ),
    "a rule that is never reached": (
        rule("total_purchases >= 3", ("Two", "total_purchases >= 5 and lifetime_spend > 10")),
        "dimensions.0.rules.1.when (mine)",
        ("never reached: rule 1 takes everybody",),
    ),
    "the same rule again": (
        rule("length(customer_id) > 3", ("Two", "length(customer_id) > 3")),
        "dimensions.0.rules.1.when (mine)",
        ("never reached",),
    ),
    "a rule behind everybody": (rule("true", ("Two", "returns > 1")), "dimensions.0.rules.1.when", ("never reached",)),
    "a rule for nobody": (rule("returns > 5 and returns < 3"), "dimensions.0.rules.0.when (mine)", ("nobody can",)),
    "a rule for no label": (
        rule("spending = 'High Value' and spending = 'Low Value'"),
        "dimensions.0.rules.0.when (mine)",
        ("nobody can",),
    ),
    # Dimensions
    "no rules": (dimension(otherwise="Rest"), "dimensions.0 (mine)", ("needs rules",)),
    "no other label": (dimension(rules=RULES), "dimensions.0 (mine)", ("needs rules, and otherwise",)),
    "a rule without a condition": (dimension(rules=["One"], otherwise="Rest"), "dimensions.0.rules.0", ("needs when",)),
    "a built-in rule that is none": (
        {"dimensions": [{"name": "purchase_frequency", "rules": ["New", "Loyall"]}]},
        "dimensions.0.rules.1 (purchase_frequency)",
        ("did you mean 'Loyal'?",),
    ),
    "switching off what is not there": (
        dimension(enabled=False),
        "dimensions.0 (mine)",
        ("no dimension of this name",),
    ),
    "all switched off": (
        {"dimensions": [{"name": name, "enabled": False} for name in ("purchase_frequency", "spending", "category")]},
        "dimensions",
        ("all are switched off",),
    ),
    # Forms of settings
    "no name for a column": (metric(SUM, "online share"), "metrics.0.name", ("becomes a column",)),
    "an unknown type": (
        {"input": {"extra_columns": {"a": {"type": "text"}}}},
        "input.extra_columns.a.type",
        ("expected string",),
    ),
    "an unknown key": (metric(SUM, mysql="x"), "metrics.0.mysql", ("unknown key",)),
    "two cuts": (score(cut={"quantiles": 5, "values": [1]}), "scores.0.cut", ("found quantiles and values",)),
    "no cut": (score(cut={}), "scores.0.cut", ("found none",)),
    "values that fall": (score(cut={"values": [5, 1]}), "scores.0.cut", ("numbers that grow",)),
    "shares of less than all": (score(cut={"shares": [0.2, 0.5]}), "scores.0.cut", ("end with 1.0",)),
    "too few labels": (score(labels=["A"]), "scores.0", ("makes 5 groups",)),
    "labels that are the same": (score(cut={"values": [1]}, labels=["A", "A"]), "scores.0", ("labels that differ",)),
    "zero as a label beside numbers": (score(zero="None"), "scores.0", ("a number",)),
    "values within groups": (score(cut={"values": [1]}, within="customer_id"), "scores.0", ("same in every group",)),
    "the switch of another setting": ({"metrics": False}, "metrics", ("prometheus",)),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told_what_is_wrong(name: str) -> None:
    config, place, words = CASES[name]
    with pytest.raises(ConfigError) as caught:
        Segmentation(load_config(config))
    message = str(caught.value)
    assert place in message
    for word in words:
        assert word in message


TEXT = """\
input:
  extra_columns:
    channel: {from: Channel}
metrics:
  - name: online_share
    sql: avg(if(channel = 'online', 1.0, 0.0))
  - name: usual
    sql: mode(chanel)
scores:
  - {name: tier, of: lifetime_spend, cut: {quantile: 5}}
"""


def test_the_message_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    with pytest.raises(ConfigError, match=rf"scores.0.cut.quantile: unknown key.* \({path}, line 10\)"):
        load_config(path)
    path.write_text(TEXT.replace("quantile:", "quantiles:"))
    with pytest.raises(ConfigError, match=rf"^{path}, line 8: metrics.1.sql \(usual\): .*did you mean 'channel'"):
        Segmentation(load_config(path))


def test_of_what_is_included_the_line_is_that_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/more.yaml").write_text(
        "metrics:\n  - {name: good, sql: sum(amount)}\n  - {name: bad, sql: summ(1)}\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text("include: parts/more.yaml\nmetrics:\n  - {name: own, sql: max(amonut)}\n")
    with pytest.raises(ConfigError, match=r"more.yaml, line 3: metrics.1.sql \(bad\)"):
        Segmentation(load_config(path))
    (tmp_path / "parts/more.yaml").write_text("metrics:\n  - {name: good, sql: sum(amount)}\n")
    with pytest.raises(ConfigError, match=r"mine.yaml, line 3: metrics.1.sql \(own\)"):
        Segmentation(load_config(path))
    (tmp_path / "parts/more.yaml").write_text("include: ../mine.yaml\n")
    with pytest.raises(ConfigError, match="includes itself"):
        load_config(path)
    path.write_text("include: {a: b}\n")
    with pytest.raises(ConfigError, match="line 1: include: expected paths"):
        load_config(path)


def test_what_comes_last_wins_and_lists_are_added_to(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        yaml.safe_dump({**metric(SUM, "one"), "lapsed_after_days": 30, "loyal_min_purchases": 2})
    )
    path = tmp_path / "mine.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "include": ["base.yaml"],
                "lapsed_after_days": 60,
                "metrics": [{"name": "two", "sql": SUM}],
                "input": {"extra_columns": {"size": {"type": "string"}}},
            }
        )
    )
    config = load_config(path)
    assert [one.name for one in config.metrics] == ["one", "two"]
    assert (config.lapsed_after_days, config.loyal_min_purchases) == (60, 2)
    assert config.extra_columns == ("channel", "pieces", "size")


REACHED = [
    ("total_purchases >= 5", "total_purchases >= 3"),
    ("total_purchases > 5", "total_purchases >= 5"),
    ("total_purchases between 3 and 5", "total_purchases between 2 and 4"),
    ("total_purchases = 3", "total_purchases = 4"),
    ("spending = 'High Value'", "spending in ('High Value', 'Low Value')"),
    ("total_purchases >= 3 and length(customer_id) > 2", "total_purchases >= 5"),
    ("total_purchases >= 3 and returns > 1", "total_purchases >= 5"),
    ("not total_purchases > 3", "total_purchases >= 5"),
    ("total_purchases >= lifetime_spend", "total_purchases >= 5"),
]


@pytest.mark.parametrize(("first", "then"), REACHED)
def test_a_rule_that_may_be_reached_is_none_that_is_not(first: str, then: str) -> None:
    Segmentation(load_config(rule(first, ("Two", then))))


NEVER = [
    ("total_purchases >= 3", "total_purchases > 3"),
    ("3 <= total_purchases", "total_purchases = 3"),
    ("spending in ('High Value', 'Low Value')", "spending = 'Low Value'"),
    ("total_purchases >= 3 or returns > 1", "returns between 2 and 4"),
    ("total_purchases >= 3", "total_purchases = 4 or total_purchases = 5"),
]


@pytest.mark.parametrize(("first", "then"), NEVER)
def test_a_rule_that_is_never_reached_is_told(first: str, then: str) -> None:
    with pytest.raises(ConfigError, match="never reached"):
        Segmentation(load_config(rule(first, ("Two", then))))


def test_who_has_no_expressions_does_not_wait_for_what_reads_them() -> None:
    told = (
        "import sys, segmentation.pipeline as one; one.CustomerSegmentationPipeline(); print('sqlglot' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize("page", ["own-rules.md", "rfm.md"])
def test_what_the_documents_show_can_be_used(page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        settings = yaml.safe_load(block)
        included = {"include": [str(ROOT / "conf" / path) for path in settings.get("include", [])]}
        Segmentation(load_config({**settings, **included}))
