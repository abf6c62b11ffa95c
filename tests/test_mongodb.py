"""MongoDB through the connector, against a real server process over TCP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trustme
from pyspark.sql import SparkSession

from segmentation.config import load_config
from segmentation.engines.spark.java import ensure_java
from segmentation.errors import ConfigError, NoDataError, SourceError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run.freshness import look
from segmentation.run.request import Request
from segmentation.sources import mongodb as source_module
from segmentation.sources.mongo_server import connection_uri
from segmentation.sources.mongodb import DOCUMENT_PATHS, _partitioned, pipeline, read_mongodb

from .conftest import table
from .mongo_server import OPTIONS, Server, documents_of

bson = pytest.importorskip("bson")
ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "purchase_records.csv"
EXPORT = "customer_segmentation.json"
PASSWORD = "p@ss:/?#[]%word ü"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mongodb")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    running = Server(tmp_path_factory.mktemp("mongodb") / "data").start()
    with running.client() as client:
        client.retail.sample.insert_many(documents_of(SAMPLE))
    yield running
    running.stop()


def run(spark: SparkSession, server: Server, out: Path, collection: str, **mongodb: Any) -> dict[str, Any]:
    settings = {"uri": server.uri, "database": "retail", "collection": collection, **mongodb}
    config = {"output_dir": str(out), "max_rejected_ratio": 1, "mongodb": settings}
    return CustomerSegmentationPipeline(config).run("mongodb", spark=spark)


def good(**changes: Any) -> dict[str, Any]:
    return {
        "customer": {"id": "C1"},
        "order_id": "P1",
        "date": "2024-01-05",
        "total_amount_lkr": "5.00",
        "product": {"category": "Kids"},
    } | changes


ID = bson.ObjectId("65a000000000000000000001")
SHAPES: dict[str, tuple[dict[str, Any], tuple[str | None, ...] | None]] = {
    "texts": (good(), ("C1", "P1", "2024-01-05", "5.00", "Kids")),
    "integers": (
        good(customer={"id": 7}, order_id=bson.Int64(2**40), total_amount_lkr=5),
        ("7", "1099511627776", "2024-01-05", "5", "Kids"),
    ),
    "whole doubles": (
        good(customer={"id": 7.0}, total_amount_lkr=1e7),
        ("7", "P1", "2024-01-05", "10000000", "Kids"),
    ),
    "doubles": (good(total_amount_lkr=1234.565), ("C1", "P1", "2024-01-05", "1234.565", "Kids")),
    "a text with an exponent": (good(total_amount_lkr="1e5"), ("C1", "P1", "2024-01-05", "1e5", "Kids")),
    "decimal": (
        good(total_amount_lkr=bson.Decimal128("1000000000000000.005")),
        ("C1", "P1", "2024-01-05", "1000000000000000.005", "Kids"),
    ),
    "decimal with an exponent": (
        good(total_amount_lkr=bson.Decimal128("1.5E+3")),
        ("C1", "P1", "2024-01-05", "1500", "Kids"),
    ),
    "not a number": (good(total_amount_lkr=float("nan")), ("C1", "P1", "2024-01-05", "NaN", "Kids")),
    "a double beyond every amount": (
        good(total_amount_lkr=1e20),
        ("C1", "P1", "2024-01-05", "100000000000000000000", "Kids"),
    ),
    "object ids": (good(customer={"id": ID}, order_id=ID), (str(ID), str(ID), "2024-01-05", "5.00", "Kids")),
    "BSON date": (
        good(date=datetime(2024, 1, 5, 18, 30)),
        ("C1", "P1", "2024-01-05T18:30:00Z", "5.00", "Kids"),
    ),
    "nulls": (
        good(customer=None, date=None, total_amount_lkr=None, product={"category": None}),
        (None, "P1", None, None, None),
    ),
    "nothing": ({"x": 1}, (None, None, None, None, None)),
    "braces in a text": (
        good(customer={"id": "{x}"}, order_id='["P"]'),
        ("{x}", '["P"]', "2024-01-05", "5.00", "Kids"),
    ),
    "customer is a text": (good(customer="John"), None),
    "customer is an array": (good(customer=[{"id": "C1"}]), None),
    "an id is a document": (good(customer={"id": {"x": 1}}), None),
    "a date is an array": (good(date=["2024-01-05"]), None),
    "product is a number": (good(product=5), None),
}


def test_types_and_shapes(spark: SparkSession, server: Server) -> None:
    with server.client() as client:
        client.retail.shapes.drop()
        client.retail.shapes.insert_many([{"_id": name, **document} for name, (document, _) in SHAPES.items()])
    found: dict[str, Any] = {}
    for name in SHAPES:
        config = load_config({"mongodb": {"uri": server.uri, "collection": "shapes", "filter": {"_id": name}}}).mongodb
        assert config
        frame, _, names, _ = read_mongodb(spark, config, {})
        ((_, record, *texts),) = [tuple(row) for row in frame.collect()]
        assert names == ["retail.shapes"]
        if record is not None:
            assert json.loads(record)["_id"] == name
        found[name] = None if record is not None else tuple(texts)
    assert found == {name: expected for name, (_, expected) in SHAPES.items()}


def test_the_whole_job_with_every_shape(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    with server.client() as client:
        client.retail.every.drop()
        client.retail.every.insert_many(
            [
                {**document, **({"order_id": f"P-{n}"} if "order_id" in document else {})}
                for n, (document, _) in enumerate(SHAPES.values())
            ]
        )
    metadata = run(spark, server, tmp_path / "out", "every")["metadata"]
    assert metadata["rows_read"] == len(SHAPES)
    assert metadata["rows_read"] == metadata["purchases_used"] + metadata["rows_rejected"]
    assert metadata["rejected_by_reason"] == {
        "malformed_row": 5,
        "missing_customer_id": 2,
        "missing_purchase_id": 1,
        "missing_purchase_date": 2,
        "missing_amount": 2,
        "invalid_amount": 3,
    }


def test_the_same_purchases_publish_the_same_bytes(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    by_csv = CustomerSegmentationPipeline({"output_dir": str(tmp_path / "csv")}).run("csv", SAMPLE, spark=spark)
    paginated = {
        "partitioner": "PaginateIntoPartitionsPartitioner",
        "partitioner_options": {"max.number.of.partitions": 4},
    }
    config = load_config({"mongodb": {"uri": server.uri, "collection": "sample", **paginated}}).mongodb
    assert config
    frame = read_mongodb(spark, config, {}).frame
    assert frame._jdf.queryExecution().toRdd().getNumPartitions() == 4
    for number, options in enumerate(({}, paginated)):
        by_mongodb = run(spark, server, tmp_path / str(number), "sample", **options)
        assert (tmp_path / str(number) / EXPORT).read_bytes() == (tmp_path / "csv" / EXPORT).read_bytes()
        for name in (
            "as_of",
            "rows_read",
            "purchases_used",
            "rows_rejected",
            "rejected_by_reason",
            "warnings_by_reason",
        ):
            assert by_mongodb["metadata"][name] == by_csv["metadata"][name], name


def test_filter_and_columns(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    with server.client() as client:
        client.retail.other.drop()
        client.retail.other.insert_many(
            [
                {"who": {"is": {"it": f"C{n}"}}, "nr": n, "date": "2024-01-05", "sum": n, "kind": "Kids", "shop": n % 2}
                for n in range(1, 11)
            ]
        )
    columns = {"customer_id": "who.is.it", "purchase_id": "nr", "amount": "sum", "category": "kind"}
    result = run(spark, server, tmp_path, "other", columns=columns, filter={"shop": 1})
    assert [row["customer_id"] for row in json.loads((tmp_path / EXPORT).read_text())] == ["C1", "C3", "C5", "C7", "C9"]
    assert result["metadata"]["rows_read"] == 5


def test_segments_are_upserted(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    target = {"database": "crm", "collection": "segments"}
    with server.client() as client:
        client.crm.segments.drop()
        client.crm.segments.insert_one({"_id": "CUST0000001", "segmentation": "old"})
        config = {"output_dir": str(tmp_path), "mongodb": {"uri": server.uri}, "publish_to_mongodb": target}
        for _ in range(2):
            result = CustomerSegmentationPipeline(config).run("csv", SAMPLE, spark=spark)
        stored = list(client.crm.segments.find().sort("_id"))
    published = json.loads((tmp_path / EXPORT).read_text())
    assert [(row["_id"], row["segmentation"]) for row in stored] == [
        (row["customer_id"], row["segmentation"]) for row in published
    ]
    metadata = result["metadata"]
    assert {(row["run_id"], row["as_of"]) for row in stored} == {(metadata["run_id"], metadata["as_of"])}


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mongodb", [{"collection": "nothing"}, {"database": "no"}, {"filter": {"order_id": "none"}}])
def test_nothing_there(spark: SparkSession, server: Server, tmp_path: Path, mongodb: dict[str, Any]) -> None:
    with pytest.raises(NoDataError, match=r"No data found: no document .* Check mongodb\.database and collection"):
        run(spark, server, tmp_path, **{"collection": "sample", **mongodb})


def test_no_server(spark: SparkSession, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1 did not answer\. Check mongodb\.host, port and tls"):
        run(spark, Server(tmp_path / "none"), tmp_path, "x", uri=None, host="127.0.0.1", port=1)
    assert time.monotonic() - started < 15
    with pytest.raises(SourceError, match="not a valid connection string"):
        run(spark, Server(tmp_path / "none"), tmp_path, "x", uri="mongo:/nowhere")
    with pytest.raises(ConfigError, match="--source mongodb needs to know where"):
        CustomerSegmentationPipeline().run("mongodb", spark=spark)


def test_killed_while_documents_are_read(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(tmp_path / "data").start()
    with server.client() as client:
        client.retail.sample.insert_many(documents_of(SAMPLE))
    out = tmp_path / "out"
    run(spark, server, out, "sample")
    before = (out / EXPORT).read_bytes()
    version = len(list((out / "delta/customer_segments/_delta_log").glob("*.json")))

    def read_and_lose(*arguments: Any) -> Any:
        found = read_mongodb(*arguments)
        server.kill()
        return found

    monkeypatch.setattr(source_module, "read_mongodb", read_and_lose)
    with pytest.raises(SourceError, match="The connection to MongoDB broke"):
        run(spark, server, out, "sample")
    monkeypatch.undo()
    assert (out / EXPORT).read_bytes() == before
    assert len(list((out / "delta/customer_segments/_delta_log").glob("*.json"))) == version
    server.start()
    try:
        run(spark, server, out, "sample")
    finally:
        server.stop()
    assert (out / EXPORT).read_bytes() == before


# --- credentials ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    """A server that asks for a login: `reader` may read `retail`, `stranger` may not."""
    running = Server(tmp_path_factory.mktemp("guarded") / "data").start()
    with running.client() as client:
        client.retail.sample.insert_many(documents_of(SAMPLE))
        client.admin.command("createUser", "reader", pwd=PASSWORD, roles=[{"role": "read", "db": "retail"}])
        client.admin.command("createUser", "stranger", pwd=PASSWORD, roles=[{"role": "read", "db": "other"}])
    running.stop()
    running.start("--auth")
    yield running
    running.stop()


def test_logins(spark: SparkSession, guarded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = {"username": "reader", "auth_source": "admin"}
    monkeypatch.setenv("SECRET_OF_TEST", PASSWORD)
    run(spark, guarded, tmp_path / "a", "sample", **login, password="${SECRET_OF_TEST}")
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    run(spark, guarded, tmp_path / "b", "sample", **login, password_file=str(tmp_path / "secret"))
    assert (tmp_path / "a" / EXPORT).read_bytes() == (tmp_path / "b" / EXPORT).read_bytes()
    with pytest.raises(SourceError, match=r"refused the login of reader\. Check mongodb\.username, password"):
        run(spark, guarded, tmp_path / "c", "sample", **login, password="wrong")
    with pytest.raises(SourceError, match=r"does not let stranger read retail\.sample\. Check the user's roles"):
        run(spark, guarded, tmp_path / "d", "sample", **{**login, "username": "stranger"}, password=PASSWORD)
    with pytest.raises(SourceError, match=r"does not let|refused the login"):
        run(spark, guarded, tmp_path / "e", "sample")


def test_the_secret_is_nowhere(guarded: Server, tmp_path: Path) -> None:
    """Searched: output, log, tables, event log, standard output and error, the arguments of every process."""
    events = tmp_path / "events"
    events.mkdir()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir file://{events}\nspark.eventLog.compress false\n"
    )
    config = tmp_path / "c.yaml"
    config.write_text(
        f"mongodb:\n  uri: mongodb://127.0.0.1:{guarded.port}/?{OPTIONS}\n  username: reader\n"
        "  password: ${SECRET_OF_TEST}\n  auth_source: admin\n  collection: sample\n"
    )
    env = {**os.environ, "SECRET_OF_TEST": PASSWORD, "SPARK_CONF_DIR": str(tmp_path / "conf")}
    command = [
        sys.executable,
        str(ROOT / "jobs/run_segmentation.py"),
        *(
            "--source",
            "mongodb",
            "--config",
            str(config),
            "--log-level",
            "DEBUG",
            "--output-dir",
            str(tmp_path / "out"),
        ),
    ]
    arguments: set[str] = set()
    with (tmp_path / "printed").open("wb") as printed:
        running = subprocess.Popen(command, env=env, stdout=printed, stderr=printed)
        while running.poll() is None:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    arguments.add(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.2)
    assert running.returncode == 0, (tmp_path / "printed").read_text()
    assert any("SparkSubmit" in line for line in arguments)
    assert any(path.is_file() for path in events.rglob("*"))
    secrets = load_config({"mongodb": {"password": PASSWORD}}).secrets()
    assert len(secrets) == 2
    places = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places["arguments"] = "\n".join(arguments).encode()
    assert any("customer_segments" in place for place in places)
    for secret in secrets:
        assert [place for place, content in places.items() if secret.encode() in content] == []


@pytest.mark.parametrize(
    ("mongodb", "expected"),
    [
        ({"host": "h"}, "mongodb://h:27017/?"),
        ({"uri": "mongodb+srv://h"}, "mongodb+srv://h/?"),
        ({"uri": "mongodb://h/x?tls=true&connectTimeoutMS=1"}, "mongodb://h/x?tls=true&connectTimeoutMS=1&"),
        ({"username": "a b", "password": "p@:/"}, "mongodb://a%20b:p%40%3A%2F@localhost:27017/?"),
        ({"host": "h", "read_preference": "nearest"}, "mongodb://h:27017/?"),
        ({"uri": "mongodb://u:p@h/", "username": "x", "password": "y"}, "mongodb://u:p@h/?"),
    ],
)
def test_connection_strings(mongodb: dict[str, Any], expected: str) -> None:
    config = load_config({"mongodb": mongodb}).mongodb
    assert config
    uri = connection_uri(config)
    assert uri.startswith(expected)
    assert uri.count("serverSelectionTimeoutMS=") == uri.lower().count("connecttimeoutms=") == 1


def test_a_server_that_refuses_to_sample_is_read_another_way(
    spark: SparkSession, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """This server refuses to sample an empty collection, as a real one refuses a user without the privilege."""
    config = load_config({"mongodb": {"uri": server.uri, "collection": "empty"}}).mongodb
    assert config
    with caplog.at_level("WARNING", "segmentation"):
        names = list(DOCUMENT_PATHS)
        frame = _partitioned(spark, config, connection_uri(config), names, pipeline(DOCUMENT_PATHS, None))
    assert frame.collect() == []
    assert "refuses what the AutoBucketPartitioner asks for" in caplog.text


def test_tls(tmp_path: Path) -> None:
    """The JVM trusts the server's certificate: the job runs. It does not: one sentence, exit code 3."""
    server = Server(tmp_path / "data").start()
    with server.client() as client:
        client.retail.sample.insert_many(documents_of(SAMPLE)[:500])
    server.stop()
    certificate, authority, trusted = tmp_path / "server.pem", tmp_path / "authority.pem", tmp_path / "trusted.p12"
    own_authority = trustme.CA()
    own_authority.cert_pem.write_to_path(str(authority))
    own_authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    keytool = [
        str(ensure_java() / "bin" / "keytool"),
        "-importcert",
        "-noprompt",
        "-alias",
        "server",
        "-storetype",
        "PKCS12",
        "-storepass",
        "changeit",
    ]
    subprocess.run([*keytool, "-file", str(authority), "-keystore", str(trusted)], check=True, capture_output=True)
    server.start("--tls-cert-file", str(certificate), "--tls-key-file", str(certificate))
    config = tmp_path / "c.yaml"
    config.write_text(
        f"max_rejected_ratio: 1\nmongodb:\n  uri: mongodb://127.0.0.1:{server.port}/?{OPTIONS}\n  tls: true\n"
        "  collection: sample\n"
    )
    command = [sys.executable, str(ROOT / "jobs/run_segmentation.py"), "--source", "mongodb", "--config", str(config)]
    command += ["--output-dir", str(tmp_path / "out")]
    trust = f"-Djavax.net.ssl.trustStore={trusted} -Djavax.net.ssl.trustStorePassword=changeit"
    try:
        # The first may have to fetch packages, which a JVM that trusts this server alone cannot.
        for options, code, said in (
            ("-Dno.trust=1", 3, "did not answer. Check mongodb.host, port and tls"),
            (trust, 0, ""),
        ):
            env = {**os.environ, "JAVA_TOOL_OPTIONS": options}
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
            assert (done.returncode, said in done.stderr) == (code, True), done.stderr[-2000:]
    finally:
        server.stop()


# --- incremental ------------------------------------------------------------------------------------------------------

AT = datetime(2024, 1, 5)
HOW = {"updated": {"field": "at", "lookback": 1}, "object ids": {"field": "_id"}, "all read again": None}


@pytest.mark.parametrize("how", HOW)
def test_a_collection_that_grows(spark: SparkSession, server: Server, tmp_path: Path, how: str) -> None:
    """Only what is new is read, what comes late as well; the outcome is that of a full run."""
    name = f"grows_{how.replace(' ', '_')}"
    more = {"incremental": HOW[how]} if HOW[how] else {}

    def go(mode: str, out: str = "out") -> dict[str, Any]:
        settings = {"uri": server.uri, "database": "retail", "collection": name, **more}
        config = {"output_dir": str(tmp_path / out), "max_rejected_ratio": 1, "mongodb": settings}
        return CustomerSegmentationPipeline(config).run("mongodb", spark=spark, mode=mode)["metadata"]

    def add(client: Any, *orders: tuple[str, int]) -> None:
        made = [AT.timestamp() + day * 86_400 for _, day in orders]
        ids = [bson.ObjectId(f"{int(at):08x}{number:016x}") for number, at in enumerate(made, 1000 * len(orders))]
        client.retail[name].insert_many(
            good(_id=one, order_id=order, at=datetime.fromtimestamp(at))
            for one, (order, _), at in zip(ids, orders, made, strict=True)
        )

    with server.client() as client:
        add(client, ("P1", 0), ("P2", 5), ("P3", 9))
        assert go("incremental")["rows_read"] == 3
        # One that comes late, and one that is new.
        add(client, ("P4", 8.5), ("P5", 10))
        read = go("incremental")
        assert read["rows_read"] == (5 if how == "all read again" else 3)
        assert read["rejected_by_reason"] == {}
        assert go("incremental")["rows_read"] == (5 if how == "all read again" else 2)
        go("full", "full")
        exports = [(tmp_path / out / EXPORT).read_bytes() for out in ("out", "full")]
        assert exports[0] == exports[1]
        client.retail[name].delete_one({"order_id": "P1"})
        go("incremental")
    log = (tmp_path / "out/segmentation_runs.log").read_text()
    assert ("was changed, not only added to" in log) is (how == "all read again")


def test_an_unchanged_collection_needs_no_run(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    with server.client() as client:
        client.retail.fresh.insert_many([good(), good(order_id="P2")])
        run(spark, server, tmp_path / "out", "fresh")
        settings = {"uri": server.uri, "database": "retail", "collection": "fresh"}
        config = load_config({"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1, "mongodb": settings})
        request = Request.of("mongodb", None, None, config)
        assert look(config, request, datetime.now(UTC)) == (
            False,
            "Nothing to do: source and configuration are as they were at the last successful run.",
        )
        client.retail.fresh.update_one({"order_id": "P2"}, {"$set": {"total_amount_lkr": "6.00"}})
        due, why = look(config, request, datetime.now(UTC))
        assert (due, why) == (True, "The job runs: the source changed since the last successful run.")


def test_further_values_and_currencies_come_along(spark: SparkSession, server: Server, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("date,currency,rate\n2024-01-05,USD,301.25\n")
    settings = {"uri": server.uri, "database": "retail", "collection": "further"}
    config = {
        "output_dir": str(tmp_path / "out"),
        "mode": "incremental",
        "max_rejected_ratio": 1,
        "mongodb": {**settings, "columns": {"currency": "payment.currency"}},
        "currencies": {"rates": str(tmp_path / "rates.csv")},
        "input": {
            "extra_columns": {
                "channel": {"from": "cart.channel", "type": "string"},
                "pieces": {"from": "cart.pieces", "type": "integer"},
                "shipped": {"from": "cart.shipped", "type": "date"},
            }
        },
        "metrics": [
            {"name": "online", "sql": "count_if(channel = 'online')"},
            {"name": "pieces_bought", "sql": "sum(pieces)"},
            {"name": "last_shipped", "sql": "max(shipped)"},
        ],
        "dimensions": [{"name": "way", "rules": [{"label": "Digital", "when": "online > 1"}], "otherwise": "Shop"}],
    }
    usd, shipped = {"currency": "usd"}, datetime(2024, 1, 8, 12)
    orders = [
        good(payment=usd, total_amount_lkr=bson.Decimal128("10.01"), cart={"channel": "online", "pieces": 3}),
        good(order_id="P2", payment={"currency": "LKR"}, cart={"channel": "online", "pieces": bson.Int64(2)}),
        good(order_id="P3", payment={"currency": "EUR"}),
        good(order_id="P4", payment={"currency": "LKR"}, cart={"channel": None, "pieces": "a", "shipped": shipped}),
        good(order_id="P5", customer={"id": "C2"}, payment={"currency": "LKR"}, cart={"channel": 7}),
        good(order_id="P6", customer={"id": "C2"}, cart={"channel": "online"}),
    ]
    with server.client() as client:
        client.retail.further.insert_many(orders)
    told = CustomerSegmentationPipeline(config).run("mongodb", spark=spark)["metadata"]
    assert (told["purchases_used"], told["rejected_by_reason"]) == (4, {"invalid_currency": 2})
    assert told["warnings_by_reason"]["invalid_extra_value"] == 1
    names = ("lifetime_spend", "online", "pieces_bought", "last_shipped", "way")
    found = {
        row.customer_id: tuple(getattr(row, name) for name in names) for row in table(tmp_path, "customer_segments")
    }
    assert found == {
        "C1": (Decimal("3025.51"), 2, 5, date(2024, 1, 8), "Digital"),
        "C2": (Decimal("5.00"), 0, None, None, "Shop"),
    }
