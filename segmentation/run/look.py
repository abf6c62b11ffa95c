"""The files of a look: how each is laid out, and what would read those that cannot be read as they are configured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.core.quality import Profile
from segmentation.encodings import LINE_END
from segmentation.engines.base import Engine
from segmentation.engines.stores import StoredFile
from segmentation.errors import SegmentationError, SourceError
from segmentation.locations import readable
from segmentation.schemas import AMOUNT, PURCHASE_COLUMNS
from segmentation.sources.column_names import is_price_of_a_piece, line_number_of
from segmentation.sources.guessing import Setting, guessed_encoding, guessed_layout
from segmentation.sources.layout import Form, Head, Layout, heads_of, layout_of

SEVERAL_FORMS = "The files are of several forms, which no configuration reads at once: look at each alone."
SEEN = 1 << 14
# Where the bytes are that an encoding does not have, may be far behind the header.
SEARCHED = 32 << 20


@dataclass(frozen=True)
class FileSeen:
    """A file as it is read: where its header is, what is in it, and which of its cells is which purchase column."""

    path: str
    bytes: int
    encoding: str
    delimiter: str
    header_line: int
    header: list[str]
    columns: dict[str, str]


@dataclass
class Look:
    """What a run with one configuration would meet.

    Attributes:
        engine: which one, and why.
        files: those whose header was found.
        error: what such a run would end with, None where it would publish.
        exit_code: of such a run.
        found: the counts, None where the rows could not be read.
        inputs: the counts of second inputs, by their names.
        examples: per reason, up to three rejected rows: source and raw texts.
        notes: what no setting mends.
    """

    engine: str = ""
    files: list[FileSeen] = field(default_factory=list)
    error: str | None = None
    exit_code: int = 0
    found: Profile | None = None
    inputs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fail(self, error: SegmentationError) -> None:
        """Remember what a run would end with."""
        self.error, self.exit_code = str(error), error.exit_code


def settings_of_layouts(engine: Engine, files: Sequence[StoredFile], form: Form, look: Look) -> Iterator[Setting]:
    """Fill in the files; where one cannot be read, the error of a run, and the settings that would read it."""
    try:
        heads = heads_of(engine.files, files, form)
    except SourceError as error:
        better = settings_of_bytes(engine, files, form, SEEN)
        if not better:
            raise
        look.fail(error)
        yield from better
        return
    guessed: list[Setting] = []
    for file, head in heads.items():
        try:
            layout = layout_of(head, form, readable(file.uri))
        except SegmentationError as error:
            if look.error is None:
                look.fail(error)
                # Names can be told once their bytes are.
                guessed = settings_of_bytes(engine, [file], form, SEEN) or guessed_layout(head.text, form)
            continue
        if layout:
            look.files.append(_seen(file, layout))
    if guessed and look.files and {one.name for one in guessed} & {"delimiter", "skip_lines"}:
        look.notes.append(SEVERAL_FORMS)
    elif _are_alike(heads) or not _has_number(guessed):
        yield from guessed


def _seen(file: StoredFile, layout: Layout) -> FileSeen:
    cells = list(layout.names)
    # A sixth place is that of the line's number.
    places = zip(PURCHASE_COLUMNS, layout.positions, strict=False)
    mapped = {name: cells[at].strip() or f"column {at + 1}" for name, at in places}
    line = len(layout.preamble)
    return FileSeen(readable(file.uri), file.size, layout.encoding, layout.delimiter, line, cells, mapped)


def _are_alike(heads: Mapping[StoredFile, Head]) -> bool:
    return len({LINE_END.split(head.text, maxsplit=1)[0] for head in heads.values()}) == 1


def _has_number(settings: Sequence[Setting]) -> bool:
    """Is a column named by its place, which in another file is another column?"""
    columns = [one.value.values() for one in settings if one.name == "columns"]
    return any(isinstance(place, int) for places in columns for place in places)


def settings_of_bytes(engine: Engine, files: Sequence[StoredFile], form: Form, size: int = SEARCHED) -> list[Setting]:
    """The encoding of the first file that is in another one than was told, as far as its first `size` bytes tell."""
    found = (guessed_encoding(engine.files.head(file.path, size), form.encoding) for file in files)
    first = next(filter(None, found), None)
    return [first] if first else []


def notes_on_headers(look: Look, config: SegmentationConfig) -> Iterator[str]:
    """What the names of columns suggest, and only people can decide."""
    prices = {file.columns[AMOUNT] for file in look.files if is_price_of_a_piece(file.columns[AMOUNT], file.header)}
    if prices:
        yield (
            f"{min(prices)!r} may be the price of one piece, beside a quantity. The amount must be that of the whole "
            "row: nothing is multiplied (docs/line-items-and-returns.md)."
        )
    names = {line_number_of(file.header, config.columns) for file in look.files} - {None}
    if config.grain == "line" and names:
        name = sorted(map(str, names))[0]
        yield (
            f"{name!r} may number the lines of an order: with columns: {{line_id: {name}}}, a line that comes twice "
            "counts once."
        )
