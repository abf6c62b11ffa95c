"""CSV files of every shape against the oracle, which reads them with Python alone."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from segmentation.config import load_config
from segmentation.core.validation import label_rows
from segmentation.encodings import decoder_of
from segmentation.engines.base import Engine
from segmentation.engines.spark.engine import SparkEngine
from segmentation.engines.spark.session import SESSION_SETTINGS
from segmentation.errors import MissingColumnsError, NoDataError, SourceError
from segmentation.sources import layout
from segmentation.sources.csv import Style, find, read_csv, readings_of
from segmentation.sources.layout import SMALL_TEXT, USUAL_HEADER, Form, Head, Layout, is_surely_plain, layout_of

from . import oracle
from .conftest import HEADER, TODAY, rows_of

COLUMNS = ("raw_record", "customer_id", "purchase_id", "purchase_date", "amount", "category")
LINE = "{0},P-{0},2024-01-05,100,Womens\n"


@pytest.fixture
def raw(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., DataFrame]:
    """The raw frame that the source makes of paths."""

    def frame(*paths: Path, columns=None, **form) -> DataFrame:
        scratch = str(tmp_path_factory.mktemp("scratch"))
        files = find(engine.files, [str(path) for path in paths])
        return read_csv(engine, files, Form(columns or {}, **form), scratch).frame

    return frame


@pytest.fixture
def read(raw: Callable[..., DataFrame]) -> Callable[..., list[tuple]]:
    """What the source reads: (malformed?, the five texts), sorted."""

    def rows(*paths: Path, **form) -> list[tuple]:
        found = rows_of(raw(*paths, **form).select(*COLUMNS))
        return sorted(
            (record is not None, *(("",) * 5 if record else [v or "" for v in values])) for record, *values in found
        )

    return rows


def expect(*paths: Path, **form):
    rows = oracle.read_csv(list(paths), **form)
    return sorted(
        (
            row.malformed is not None,
            *(
                ("",) * 5
                if row.malformed is not None
                else [v or "" for v in (row.customer_id, row.purchase_id, row.purchase_date, row.amount, row.category)]
            ),
        )
        for row in rows
    )


SHAPES = {
    "plain": HEADER + LINE.format("C1") + LINE.format("C2"),
    "no line break at the end": HEADER + LINE.format("C1").rstrip(),
    "CRLF": (HEADER + LINE.format("C1") + LINE.format("C2")).replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + HEADER + LINE.format("C1"),
    "blank lines": "\n  \n" + HEADER + "\n" + LINE.format("C1") + "   \n\n" + LINE.format("C2") + "\n",
    "only commas": HEADER + ',,,,\n"",, ,"" ,\n,,\n,,,,,,,,\n' + LINE.format("C1"),
    "empty over two lines": HEADER + '"\n",,,,\n' + LINE.format("C1"),
    "a quote is something": HEADER + '"""",,,,\n' + LINE.format("C1"),
    "blanks around quotes": HEADER.replace(",", ", ") + '"C1" , "P1",\t"2024-01-05"\t, 5 , "Kids"\n "a, ""b""" ,P,,,\n',
    "blanks before a broken quote": HEADER
    + 'C1, "P1,2024-01-05,5,Kids\nC2, "P"2,2024-01-05,5,Kids\n'
    + LINE.format("C3"),
    "text as a formula, blanks around": HEADER + '1, ="007" ,2024-01-05,5, ="\n ="1",P2,2024-01-05,5,"=""x"""\n',
    "text as a formula": HEADER + '="007",="",2024-01-05,5,="K\nids"\n"=""0,8""","=""a""""b""",2024-01-05,=5,="\n',
    "line breaks in the header": '"Customer\nNotes",'
    + HEADER
    + "x,"
    + LINE.format("C1")
    + '"y\nz",'
    + LINE.format("C2"),
    "empty records above the header": ",,,,\n\n" + HEADER + LINE.format("C1"),
    "too few": HEADER + "C1,P1,2024-01-05,100\n" + LINE.format("C2"),
    "too many": HEADER + "C1,P1,2024-01-05,100,Kids,\n" + LINE.format("C2"),
    "quoted comma": HEADER + '"Silva, A",P1,2024-01-05,"1,000",Kids\n',
    "doubled quotes": HEADER + '"a ""b"" c",P1,2024-01-05,5,Kids\n"""x""",P2,2024-01-05,5,Kids\n',
    "quoted line break": HEADER + '"two\nlines",P1,2024-01-05,5,Kids\n' + LINE.format("C2"),
    "quoted blank line": HEADER + '"two\n\nlines",P1,2024-01-05,5,Kids\n\n' + LINE.format("C2"),
    "quoted CRLF": HEADER + '"two\r\nlines",P1,2024-01-05,5,Kids\r\n' + LINE.format("C2"),
    "quoted line break and comma": HEADER + 'C1,P1,2024-01-05,5,"Kids,\n""and"" more"\n' + LINE.format("C2"),
    "quote in the middle": HEADER + 'C5" pipe,P1,2024-01-05,5,Kids\n' + LINE.format("C2"),
    "text behind the closing quote": HEADER + '"C1"x,P1,2024-01-05,5,Kids\n' + LINE.format("C2"),
    "quote never closed": HEADER + LINE.format("C1") + '"C2,P2,2024-01-05,5,Kids\n' + LINE.format("C3") * 3,
    "quote never closed, quotes later": HEADER
    + '"C2,P2,2024-01-05,5,Kids\n'
    + LINE.format("C3")
    + '"Silva, A",P9,2024-01-05,5,Kids\n'
    + LINE.format("C4"),
    "quotes that do not belong together": HEADER + 'C5",P1,2024-01-05,5,"Kids\n' + LINE.format("C2"),
    "a line break behind a stray quote": HEADER + 'C5" x,P1\ny,2024-01-05,5,Kids\n"C\n1",P2,2024-01-05,5,Kids\n',
    "stray quote in the header": HEADER.replace("\n", ',Height"\n')
    + "C1,P1,2024-01-05,5,Kids,1\nC2,P2,2024-01-05,5,Kids,2\n",
    "lines of tabs": HEADER + LINE.format("C1") + "\t\n" + '"C\n1",P2,2024-01-05,5,Kids\n \t \n',
    "many doubled quotes": HEADER + '"' + '""' * 20_000 + '",P1,2024-01-05,5,Kids\n',
    "too many fields over two lines": HEADER + 'C1,"P\n1",2024-01-05,5,Kids,more\n' + LINE.format("C2"),
    "other order, more columns": "x,product_category , Total_amount_lkr,DATE,order_id,customer_id,y\n"
    "1,Kids,5,2024-01-05,P1,C1,2\n1,Mens,6,2024-01-05,P2,C2\n",
    "canonical names": "customer_id,purchase_id,purchase_date,amount,category\nC1,P1,2024-01-05,5,Kids\n",
    "quoted header": '"Customer_ID","Order_ID","Date","Total_Amount_LKR","Product_Category"\nC1,P1,2024-01-05,5,Kids\n',
    "hostile": HEADER
    + "\x00C1,P1,2024-01-05,5,Kids\n#C2,P2,2024-01-05,5,Kids\n'; DROP TABLE,P3,2024-01-05,5,Kids\n"
    + "\\,P4,2024-01-05,5,Kids\n日本\u2028,P5,2024-01-05,5,Kids\n"
    + "," * 30_000
    + "\n",
}


TITLES = 'Sales of "May"\n\nC1,P1,2024-01-05,100,Womens\n'
UMLAUTS = HEADER + LINE.format("B\xf6cker") + LINE.format('"B\xfccker, ""x"""') + LINE.format("\u20ac")
FORMS = {
    "windows-1252": (UMLAUTS.encode("cp1252"), {"encoding": "windows-1252"}),
    "a byte that windows-1252 lacks": (UMLAUTS.encode("cp1252") + b"\x81,P,,,\n", {"encoding": "cp1252"}),
    "not UTF-8": (UMLAUTS.encode("cp1252"), {}),
    "not UTF-8, beside the purchase": (
        HEADER.replace("\n", ",Note\n").encode() + b"C1,P1,2024-01-05,5,Kids,\xf6\nC2\xf6,P2,2024-01-05,5,Kids,x\n",
        {},
    ),
    "not UTF-8, in the header": (
        HEADER.replace("\n", ",Gr\xf6\xdfe\n").encode("cp1252") + b"C1,P1,2024-01-05,5,Kids,\xf6\n",
        {},
    ),
    "U+FFFD is data": ((HEADER + LINE.format("C\ufffd")).encode() + b"C\xc3,P1,2024-01-05,5,Kids\n", {}),
    "KOI8-R": ((HEADER + LINE.format("\u041e\u043b\u044c\u0433\u0430")).encode("koi8-r"), {"encoding": "koi8-r"}),
    "UTF-16": (UMLAUTS.encode("utf-16"), {}),
    "UTF-16 with line breaks": ((HEADER + LINE.format('"C\n1"') * 3).encode("utf-16"), {}),
    "UTF-16, told": (UMLAUTS.encode("utf-16-be"), {"encoding": "utf-16-be"}),
    "Shift JIS": ((HEADER + LINE.format("\u8868\u30bd")).encode("shift_jis"), {"encoding": "shift_jis"}),
    "the mark goes before what is told": (UMLAUTS.encode("utf-8-sig"), {"encoding": "cp1252"}),
    "semicolons": ((HEADER + LINE.format('"C;1"')).replace(",", ";").encode(), {"delimiter": ";"}),
    "semicolons, said": (b"sep=;\r\n" + (HEADER + LINE.format("C,1")).replace(",", ";").encode(), {}),
    "tabs": (
        (HEADER + LINE.format(' "C1" ') + ",,,,\n" + LINE.format("")).replace(",", "\t").encode(),
        {"delimiter": "\t"},
    ),
    "bars": ((HEADER + LINE.format('"C|1"') + LINE.format("C2")).replace(",", "|").encode(), {"delimiter": "|"}),
    "carets": ((HEADER + LINE.format('"C^1"') + LINE.format("C2")).replace(",", "^").encode(), {"delimiter": "^"}),
    "titles": ((TITLES + HEADER + LINE.format("C2") + "C1,P1,2024-01-05,100,Womens\n").encode(), {"skip_lines": 3}),
    "titles under what is said": (("sep=,\n" + TITLES + HEADER + LINE.format("C2")).encode(), {"skip_lines": 3}),
}


@pytest.mark.parametrize("case", FORMS)
@pytest.mark.parametrize("large", [False, True])
def test_files_as_people_have_them(read, tmp_path: Path, case: str, large: bool, monkeypatch) -> None:
    """Also where the driver does not look at all of a file itself."""
    text, form = FORMS[case]
    (tmp_path / "in.csv").write_bytes(text)
    monkeypatch.setattr(layout, "SMALL_TEXT", 0 if large else SMALL_TEXT)
    monkeypatch.setattr(layout, "USUAL_HEADER", len(text) - 1 if large else USUAL_HEADER)
    assert read(tmp_path / "in.csv", **form) == expect(tmp_path / "in.csv", **form) != []


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(read, tmp_path: Path, shape: str) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(SHAPES[shape], encoding="utf-8", newline="")
    assert read(path) == expect(path) != []


def test_all_shapes_at_once_each_by_its_own_header(read, tmp_path: Path) -> None:
    for number, text in enumerate(SHAPES.values()):
        folder = tmp_path / f"in {number % 3}" / "deep [x] {y} 100%"
        folder.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        if number % 2:
            (folder / f"{number} *.csv.gz").write_bytes(gzip.compress(data))
        else:
            (folder / f"{number} +é.csv").write_bytes(data)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert read(tmp_path) == expect(*files)


def test_pieces_of_a_large_file(spark: SparkSession, tmp_path: Path) -> None:
    """Both ways of reading, with files cut into many pieces."""
    regular = tmp_path / "regular.csv"
    regular.write_text(HEADER + "".join(LINE.format(f"C{n}") for n in range(5000)))
    irregular = tmp_path / "irregular.csv"
    irregular.write_text(HEADER + "".join(f'"C\n{n}",P-{n},2024-01-05,100,Womens\n' for n in range(5000)))
    session = spark.newSession()
    for key in ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes"):
        session.conf.set(key, "10000")
    session.conf.set("spark.sql.ansi.enabled", "true")
    engine = SparkEngine(session, "tests")
    files = find(engine.files, [str(regular), str(irregular)])
    frame = read_csv(engine, files, Form(), str(tmp_path)).frame
    assert frame.rdd.getNumPartitions() > 10
    assert len(set(rows_of(frame))) == 10_000


def test_each_file_is_read_the_fastest_way_that_is_right(engine: Engine, tmp_path: Path, tmp_path_factory) -> None:
    """A header that comes again (files put together) is a row like any other, so its file needs the careful way."""
    texts = {
        "plain": (SHAPES["plain"], Style.PLAIN),
        "quoted": (SHAPES["quoted comma"], Style.QUOTED),
        "torn": (SHAPES["quoted line break"], Style.IRREGULAR),
        "twice": (SHAPES["plain"] + SHAPES["plain"], Style.IRREGULAR),
    }
    for name, (text, _) in texts.items():
        (tmp_path / name).write_text(text)
    layouts = dict.fromkeys(engine.files.files(str(tmp_path)), LAYOUT)
    scratch = str(tmp_path_factory.mktemp("scratch"))
    readings = readings_of(engine, layouts, scratch)
    found = {file.uri.rsplit("/", 1)[1]: reading.style for file, reading in readings.items()}
    assert found == {name: style for name, (_, style) in texts.items()}


LAYOUT = Layout((HEADER.strip(),), tuple(HEADER.strip().split(",")), (0, 1, 2, 3, 4), ",", "utf-8")
HEADS = {
    "plain": (SHAPES["plain"].encode(), True, True),
    "not all of it": (SHAPES["plain"].encode(), False, False),
    "a quote": (SHAPES["quoted comma"].encode(), True, False),
    "the header again": ((SHAPES["plain"] + SHAPES["plain"]).encode(), True, False),
    "other line ends": (SHAPES["plain"].replace("\n", "\r\n").encode(), True, True),
    "not UTF-8": (SHAPES["plain"].replace("Date", "Date,\xe9").encode("latin-1"), True, False),
    "not UTF-8 below the header": (SHAPES["plain"].encode() + b"\xe9\n", True, False),
}


@pytest.mark.parametrize("case", HEADS)
def test_the_driver_looks_at_small_files_itself(case: str) -> None:
    text, is_whole, expected = HEADS[case]
    head = Head(decoder_of("utf-8").decode(text), is_whole, "utf-8")
    layout = layout_of(head, Form(), "here")
    assert layout is not None
    assert is_surely_plain(head, layout) is expected


def test_the_head_of_a_file_is_its_bytes_as_they_are(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "marked.csv"
    path.write_bytes(b"\xef\xbb\xbf0123456789")
    found = [engine.files.head(str(path), size) for size in (12, 13, 14)]
    assert found == [b"\xef\xbb\xbf012345678", b"\xef\xbb\xbf0123456789", b"\xef\xbb\xbf0123456789"]


def test_a_header_longer_than_usual(raw, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    wide = HEADER.strip() + "".join(f",c{number}" for number in range(5000)) + "\n"
    assert len(wide) > USUAL_HEADER
    path.write_text(wide + "C1,P1,2024-01-05,100,Womens" + "," * 5000 + "\n")
    for number in range(SMALL_TEXT // USUAL_HEADER):
        (tmp_path / f"small{number}.csv").write_text(HEADER)
    assert raw(tmp_path).count() == 1


def test_a_repeated_header_is_a_row(read, raw, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text(HEADER + LINE.format("C1") + HEADER + LINE.format("C2"))
    assert read(path) == expect(path)
    assert raw(path).count() == 3


def test_a_stray_quote_in_a_large_file_does_not_gather_its_rest(read, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(HEADER + '"C0,P0,2024-01-05,5,Kids\n' + "".join(LINE.format(f"C{n}") for n in range(3000)))
    assert read(path) == expect(path)


def test_a_hidden_file_that_was_asked_for_is_refused(read, tmp_path: Path) -> None:
    (tmp_path / "_late.csv").write_text(SHAPES["plain"])
    with pytest.raises(SourceError, match="hidden"):
        read(tmp_path / "_late.csv")
    (tmp_path / "a.csv").write_text(SHAPES["plain"])
    assert len(read(tmp_path / "*.csv")) == 2


def test_hidden_files_are_no_input(read, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SHAPES["plain"])
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".a.csv.crc").write_text("x")
    assert len(read(tmp_path)) == 2


def test_globs_lists_and_the_same_file_twice(read, tmp_path: Path) -> None:
    for name in ("a1.csv", "a2.csv", "b.csv"):
        (tmp_path / name).write_text(SHAPES["plain"])
    assert len(read(tmp_path / "a?.csv")) == 4
    assert len(read(tmp_path / "{a1,b}.csv", tmp_path / "b.csv")) == 4


def test_a_name_without_a_folder(read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(SHAPES["plain"])
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(read("a.csv")) == len(read("*.csv")) == len(read("sub/../a.csv", "./a.csv")) == 2


def test_globs_match_what_hadoops_match(read, tmp_path: Path) -> None:
    names = ["h/.x/a.csv", "h/_y/a.csv", "h/z/a.csv", "h/z/[b].csv", "h/z/c1.csv", "h/z/c^.csv", "h/z/.d.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(HEADER + LINE.format(name.replace("/", "-")))
    expected = {
        "h/*/a.csv": [".x-a.csv", "_y-a.csv", "z-a.csv"],
        "h/z/*": ["z-[b].csv", "z-a.csv", "z-c1.csv", "z-c^.csv"],
        "h/z/\\[b\\].csv": ["z-[b].csv"],
        "h/{z,_y}/a.csv": ["_y-a.csv", "z-a.csv"],
        "h/z/c[^1].csv": ["z-c^.csv"],
        "h/?": ["z-[b].csv", "z-a.csv", "z-c1.csv", "z-c^.csv"],
    }
    for pattern, found in expected.items():
        assert sorted(row[1].removeprefix("h-") for row in read(tmp_path / pattern)) == found, pattern


def test_a_file_that_has_several_names_is_read_once(read, tmp_path: Path) -> None:
    (tmp_path / "in/2024").mkdir(parents=True)
    (tmp_path / "in/2024/a.csv").write_text(SHAPES["plain"])
    (tmp_path / "in/latest").symlink_to("2024")
    (tmp_path / "in/b.csv").symlink_to("2024/a.csv")
    assert len(read(tmp_path / "in")) == len(read(tmp_path / "in", tmp_path / "in/b.csv")) == 2


def test_column_mapping(read, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text("Kunde,Order_ID,Datum,Total_Amount_LKR,Product_Category\nC1,P1,2024-01-05,5,Kids\n")
    columns = {"customer_id": " kunde", "purchase_date": "DATUM"}
    assert read(path, columns=columns) == [(False, "C1", "P1", "2024-01-05", "5", "Kids")]


def test_missing_columns_say_what_is_there_and_what_to_do(read, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text("Customer_ID,Order_ID,Day,Product_Category\n")
    with pytest.raises(MissingColumnsError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith("Missing required columns: ")
    assert "lacks Date, Total_Amount_LKR" in message
    assert "'Day'" in message
    assert "columns: {purchase_date: <name in the file>, amount: <name in the file>}" in message


def test_other_separators_are_recognised(read, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(HEADER.replace(",", ";"))
    with pytest.raises(MissingColumnsError, match="separated by ';': set delimiter: ';'"):
        read(path)


def test_a_header_below_titles_is_found(read, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(TITLES + HEADER)
    with pytest.raises(MissingColumnsError, match="seems to be on line 4: set skip_lines: 3"):
        read(path)


@pytest.mark.parametrize(
    ("header", "entry"),
    [
        (HEADER.replace("\n", ",Date\n"), "purchase_date: 3"),
        (HEADER.replace("\n", ", purchase_date \n"), "purchase_date: 'Date'"),
    ],
)
def test_two_columns_that_could_be_the_same_one(read, tmp_path: Path, header: str, entry: str) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(header + "C1,P1,2024-01-05,5,Kids,2024-01-06\n")
    with pytest.raises(SourceError, match=r"is ambiguous: 'Date' \(column 3\) and ") as caught:
        read(path)
    assert f"columns: {{{entry}}}" in str(caught.value)
    columns = yaml.safe_load(f"{{{entry}}}")
    assert read(path, columns=columns) == [(False, "C1", "P1", "2024-01-05", "5", "Kids")]


def test_an_encoding_that_a_file_does_not_have(read, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(HEADER)
    with pytest.raises(SourceError, match=r"in.csv is not utf-16: .* Set encoding to what it is"):
        read(tmp_path / "in.csv", encoding="utf-16")


@pytest.mark.parametrize("title", ["t" * 100, "t" * 300])
def test_titles_longer_than_what_is_read_first(read, tmp_path: Path, title: str) -> None:
    """With many files, little is read of each at first."""
    for number in range(130):
        text = f"{title}\n" * 100 + HEADER + LINE.format(f"C{number}")
        (tmp_path / f"{number}.csv").write_text(text if number else text.replace(title, "t"))
    assert len(read(tmp_path, skip_lines=100)) == 130


def test_a_file_with_fewer_lines_than_are_skipped_is_no_empty_one(read, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title\ntitle\n" + HEADER + LINE.format("C1"))
    (tmp_path / "b.csv").write_text(HEADER + LINE.format("C2"))
    with pytest.raises(MissingColumnsError, match=r"b\.csv has no header below the lines to skip .skip_lines: 2."):
        read(tmp_path, skip_lines=2)


def test_a_title_may_begin_like_another_kind_of_file(read, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("ORCHID," + HEADER + "x," + LINE.format("C1"))
    assert len(read(tmp_path / "in.csv")) == 1


OTHERS = {
    "a zip file": (b"PK\x03\x04" + bytes(40), "but a zip file: unpack it"),
    "a workbook": (b"PK\x03\x04" + bytes(22) + b"[Content_Types].xml", "but a workbook .Excel or LibreOffice."),
    "gzip without its ending": (gzip.compress(b"x"), "but compressed with gzip: name it .gz"),
    "Parquet": (b"PAR1" + bytes(40), "but a Parquet file: read it with: segmentation run --source table"),
    "an encoding not told": (HEADER.encode("utf-16-le"), "but text in another encoding, .*: set encoding: utf-16-le"),
    "a page": (b" <!DOCTYPE html><html>", "but a page of HTML or XML"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_csv_is_called_by_its_name(read, tmp_path: Path, case: str) -> None:
    data, message = OTHERS[case]
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(SourceError, match=f"in.csv is no CSV file {message}"):
        read(tmp_path / "in.csv")


@pytest.mark.parametrize("name", ["missing.csv", "missing/*.csv", ""])
def test_no_file(read, tmp_path: Path, name: str) -> None:
    with pytest.raises(NoDataError, match="No data found"):
        read(tmp_path / name)


def test_empty_files_beside_others(read, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(NoDataError, match="No data found"):
        read(tmp_path)
    (tmp_path / "full.csv").write_text(SHAPES["plain"])
    assert len(read(tmp_path)) == 2


@pytest.mark.parametrize(
    ("shape", "most", "settings"),
    [
        ("plain", 8000, {}),
        ("quoted comma", 65_536, {}),
        ("quoted comma", 65_536, {"date_formats": ["d/M/yyyy", "dd MMM yyyy"], "thousands_separator": ","}),
    ],
)
def test_the_inner_loop_is_small_enough_to_be_compiled(
    spark: SparkSession, tmp_path: Path, shape: str, most: int, settings: dict[str, Any]
) -> None:
    """The JVM does not compile a method of more than 8,000 bytes: from there on every row takes ten times as long.
    Java itself refuses one of more than 64 KiB, and Spark says so in a thousand lines."""
    path = tmp_path / "purchases.csv"
    path.write_text(SHAPES[shape])
    session = spark.newSession()
    for key, value in SESSION_SETTINGS.items():
        session.conf.set(key, value)
    engine = SparkEngine(session, "tests")
    labelled = label_rows(
        read_csv(engine, find(engine.files, [str(path)]), Form(), str(tmp_path)).frame,
        load_config(settings),
        TODAY,
    )
    debug = getattr(getattr(spark._jvm.org.apache.spark.sql.execution.debug, "package$"), "MODULE$")
    generated = debug.codegenString(labelled._jdf.queryExecution().executedPlan())
    sizes = [int(size) for size in re.findall(r"maxMethodCodeSize:(\d+)", generated)]
    assert sizes
    assert max(sizes) < most
