"""Configuration: what is taken, and what is refused with which words."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from segmentation.config import load_config
from segmentation.errors import ConfigError

ROOT = Path(__file__).parents[1]


def test_the_documented_file_holds_every_default() -> None:
    import yaml

    path = ROOT / "conf" / "segmentation.yaml"
    assert load_config(path) == load_config()
    commented = {
        "alerts",
        "lineage",
        "columns",
        "thousands_separator",
        "packages",
        "mongodb",
        "publish_to_mongodb",
        "table",
        "report_actions",
        "input",
        "currencies",
        "per",
        "inputs",
        "metrics",
        "scores",
        "dimensions",
    }
    assert set(yaml.safe_load(path.read_text())) | commented == set(type(load_config()).model_fields)


REFUSED = {
    "unknown encoding": ({"encoding": "nonsense"}, "encoding: unknown encoding 'nonsense'"),
    "no encoding of text": ({"encoding": "rot13"}, "encoding: unknown encoding 'rot13'"),
    "two delimiters": ({"delimiter": ";;"}, "delimiter: expected one mark"),
    "a letter for a delimiter": ({"delimiter": "x"}, "delimiter: expected one mark"),
    "lines to skip backwards": ({"skip_lines": -1}, "skip_lines: "),
    "no column before the first": ({"columns": {"amount": 0}}, "columns.amount"),
    "unknown key": ({"outptu_dir": "x"}, "outptu_dir: unknown key, did you mean 'output_dir'"),
    "share above one": ({"dominant_threshold": 70}, "dominant_threshold: "),
    "negative": ({"loyal_min_purchases": 0}, "loyal_min_purchases: "),
    "as of": ({"as_of": "yesterday"}, "as_of: expected 'latest', 'today' or a day as YYYY-MM-DD, found 'yesterday'"),
    "as of no day": ({"as_of": "2023-02-29"}, "as_of: "),
    "zone": ({"timezone": "Asia/Colombia"}, "timezone: unknown time zone 'Asia/Colombia', did you mean 'Asia/Colombo'"),
    "period": ({"festive_periods": [{"name": "x", "from": "12-01"}]}, "festive_periods.0.to: "),
    "period's day": ({"festive_periods": [{"name": "x", "from": "02-30", "to": "12-01"}]}, "found '02-30'"),
    "period's kind": ({"festive_periods": [{"name": "x"}]}, "festive_periods.0: expected either 'from' and 'to'"),
    "period backwards": (
        {"festive_periods": [{"name": "x", "start": "2024-02-01", "end": "2024-01-01"}]},
        "'end' 2024-01-01 lies before 'start' 2024-02-01",
    ),
    "order": ({"frequency_order": ["New", "Loyal"]}, "frequency_order: expected each of"),
    "fallback": ({"frequency_fallback": "Loyal"}, "frequency_fallback: 'Loyal' is the label of a rule already"),
    "category fallback": ({"category_fallback": "Family"}, "category_fallback: "),
    "thresholds": ({"low_lifetime_threshold": 150_000}, "low_lifetime_threshold: 150000 must lie below"),
    "alias": ({"category_aliases": {"toys": "Toys"}}, "category_aliases.toys: "),
    "column": ({"columns": {"when": "Date"}}, "columns: unknown purchase column 'when'"),
    "column twice": ({"columns": {"customer_id": "a", "b": "customer_id"}}, "'customer_id' is mapped twice"),
    "separator": ({"thousands_separator": "."}, "thousands_separator: '.' is the decimal_separator already"),
    "decimal separator": ({"decimal_separator": "5"}, "decimal_separator: "),
    "separators": ({"thousands_separator": ",", "decimal_separator": ","}, "thousands_separator: ',' is the decimal"),
    "null word": ({"null_values": ["N/A", None]}, "null_values.1: expected a word, in quotes and with nothing around"),
    "null number": ({"null_values": [0]}, "null_values.0: expected a word, in quotes"),
    "null blank": ({"null_values": [" x"]}, "null_values.0: expected a word, in quotes and with nothing around it"),
    "null category": ({"null_values": ["Kids"]}, "null_values: expected words for nothing, found one of Womens, Mens"),
    "date format": ({"date_formats": ["DD-MM-YYYY"]}, "date_formats.0: expected a pattern such as dd/MM/yyyy"),
    "file name": ({"output_filename": "../x.json"}, "output_filename: "),
    "reserved name": ({"output_filename": "automation_status.json"}, "output_filename: 'automation_status.json' is"),
    "mongodb": ({"mongodb": {"passwrod": "x"}}, "mongodb.passwrod: unknown key, did you mean 'password'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_the_keys_path(case: str) -> None:
    config, message = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        load_config(config)
    assert message in str(caught.value)


PATTERNS = {
    "d/M/y": "y takes a year of any length",
    "dd/MM/yyy": "yyy takes a year",
    "dd/MM/yyyyy": "yyyyy takes a year",
    "dd/MM/uu": "'u' is no letter of a date to be read; a year is y",
    "dd/MM/uuuu": "'u' is no letter",
    "dd/MM/YYYY": "'Y' is no letter of a date to be read; a year is y",
    "dd/mm/yyyy": "the month (M) is missing",
    "DD/MM/yyyy": "D is the day of the year, d the day of the month",
    "MM/yyyy": "the day (d) is missing",
    "dd/MM": "the year (y) is missing",
    "yyyy-DDDD": "DDDD is too long or too short",
    "dd/MM/yyyy HH:MM": "the month (M) is there twice; minutes are m, months M",
    "dd/MM/yyyy hh:mm": "an hour of h or K needs a for AM or PM",
    "dd/MM/yyyy V": "V is too long or too short",
    "dd/MMMMM/yyyy": "MMMMM is too long",
    "EEE dd/MM/yyyy": "'E' is no letter",
    "dd/MM/yyyyThh": "'T' is no letter of a date to be read (text must stand in quotes)",
    "dd/MM/yyyy 'at": "a quote is not closed",
    "dd/MM/yyyy #": "'#' must stand in quotes",
    "[dd/]MM/yyyy": "dd stands in brackets, so it may be missing; write two patterns instead",
    "dd/MM/yyyy]": "a bracket is not closed, or not opened",
    "dd/MM/yyyy [HH:mm": "a bracket is not closed",
    "dd": "is missing",
    "": "the year (y) is missing",
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_cannot_mean_what_was_meant(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"date_formats": ["dd.MM.yyyy", pattern]})
    assert "date_formats.1: expected a pattern such as dd/MM/yyyy" in str(caught.value)
    assert PATTERNS[pattern] in str(caught.value)
    assert repr(pattern) in str(caught.value)


def test_patterns_that_are_taken() -> None:
    taken = [
        *["dd/MM/yyyy", "d.M.yy 'x' H", "yyyyMMdd", "yyyyDDD", "dd.MM.yyyy HH:mm Z", "d''M''yyyy", "dd LLL yyyy G"],
        *["dd MMM yyyy", "MMMM d, yyyy", "dd/MM/yyyy[ HH:mm]", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"],
        *["dd/MM/yyyy hh:mm a", "dd/MM/yyyy VV", "dd/MM/yyyy OOOO", "dd/MM/yyyy '#'"],
    ]
    assert load_config({"date_formats": taken}).date_formats == tuple(taken)


def test_the_flat_keys_of_the_business_document() -> None:
    config = load_config(
        {
            "output_dir": "o",
            "output_filename": "x.json",
            "high_aov_threshold": 100.5,
            "high_lifetime_threshold": 200,
            "low_lifetime_threshold": "50.25",
            "dominant_threshold": 0.7,
            "family_threshold": 0.3,
            "mongodb": {"username": "u", "password": "secret", "database": "d", "collection": "c"},
        }
    )
    assert (config.high_aov_threshold, config.dominant_threshold) == (Decimal("100.5"), Decimal("0.7"))
    assert "secret" not in repr(config)


def test_columns_may_be_written_either_way() -> None:
    expected = {"customer_id": "Cust No", "amount": "Total"}
    assert load_config({"columns": {"customer_id": "Cust No", "Total": "amount"}}).columns == expected


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "there")
    assert load_config({"output_dir": "here/${PLACE}"}).output_dir == "here/there"
    monkeypatch.delenv("PLACE")
    with pytest.raises(ConfigError, match=r"mongodb\.password: the environment variable PLACE is not set"):
        load_config({"mongodb": {"password": "${PLACE}"}})


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "not valid YAML"), ("- 1", "must be a mapping of keys to values, found list"), (None, "cannot be read")],
)
def test_files_that_are_none(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "my config.yaml"
    if text:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_secret_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    with pytest.raises(ConfigError) as caught:
        load_config({"mongodb": {"password": "${PASSWORD}", "port": "hunter2"}})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("uri", ["mongodb://u:p[x]y@h/", "mongodb://u:a%2Fb@h:1,i:2/?x=1"])
def test_the_secrets_of_a_connection_string(uri: str) -> None:
    secrets = load_config({"mongodb": {"uri": uri}}).secrets()
    assert uri in secrets
    assert {"p[x]y", "a%2Fb"} & set(secrets)
    assert load_config({"mongodb": {"uri": "mongodb://h/"}}).secrets() == []


def test_the_fingerprint_tells_what_matters() -> None:
    default = load_config().fingerprint()
    assert load_config({"dominant_threshold": "0.700"}).fingerprint() == default
    assert load_config({"output_dir": "elsewhere"}).fingerprint() == default
    assert load_config({"dominant_threshold": 0.71}).fingerprint() != default
    with_secret = load_config({"mongodb": {"password": "a"}}).fingerprint()
    assert load_config({"mongodb": {"password": "b"}}).fingerprint() == with_secret


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("columns: {amount: Total}\nmax_rejected_ratio: 0.1\ncolumns: {category: Vendor}\n")
    with pytest.raises(ConfigError, match="'columns' stands there twice"):
        load_config(path)


def test_aliases(tmp_path: Path) -> None:
    """What is merged may be said otherwise; what stands in itself has no end."""
    path = tmp_path / "c.yaml"
    path.write_text("inputs:\n  a: &a {path: a.csv, columns: {n: {}}}\n  b:\n    <<: *a\n    path: b.csv\n")
    assert [one.path for one in load_config(path).inputs.values()] == ["a.csv", "b.csv"]
    path.write_text("columns: &x\n  amount: *x\n")
    with pytest.raises(ConfigError, match="not valid YAML: an alias stands in what it stands for"):
        load_config(path)
