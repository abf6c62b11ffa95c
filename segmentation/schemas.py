"""Names of columns, reasons and labels, and the schemas that the parts hand to each other.

Three frames run through the job:

* the *raw* frame, one row per row read, everything text (`RAW_COLUMNS`), made by a source;
* the *labelled* frame, one row per row read, typed, with its reasons for rejection, made by `validation`;
* the *metrics* frame, one row per customer, made by `metrics`, to which the segmenters add their labels.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

# The canonical purchase, in the order of the contract.
CUSTOMER_ID: Final = "customer_id"
PURCHASE_ID: Final = "purchase_id"
PURCHASE_DATE: Final = "purchase_date"
AMOUNT: Final = "amount"
CATEGORY: Final = "category"
PURCHASE_COLUMNS: Final = (CUSTOMER_ID, PURCHASE_ID, PURCHASE_DATE, AMOUNT, CATEGORY)

# The number of a line in its order: a column of the raw frame only where `columns` maps it.
LINE_ID: Final = "line_id"

# The currency of an amount: a column of the raw frame only where there are several.
CURRENCY: Final = "currency"

# What comes with a row besides its five values.
SOURCE: Final = "source"
# A number that stands for the name of the file or collection: the names are many bytes and few.
SOURCE_ID: Final = "source_id"
RAW_RECORD: Final = "raw_record"
RAW_COLUMNS: Final = (SOURCE_ID, RAW_RECORD, *PURCHASE_COLUMNS)
# The texts of a row as they were read, in this order, where they are not just the canonical values.
RAW: Final = "raw"
RAW_TEXTS: Final = (RAW_RECORD, *PURCHASE_COLUMNS)
REASONS: Final = "reasons"
# Of a row of a second input; of one that is used, has it a value that is not of its type? The others are on the way.
REASON: Final = "reason"
IS_ODD: Final = "is_odd"
WHOSE, PLACE, KEPT = "whose", "place", "kept_"
WARNING: Final = "warning"
# Of a rejected row: has the one that was kept in its place the same customer and day, as lines of an order have?
LIKE_A_LINE: Final = "like_a_line"
# How many rows a purchase was made of.
LINES: Final = "lines"

# What is told of a change of a label, besides whose it is.
CHANGE_COLUMNS: Final = ("changed_at", "as_of", "dimension", "from_label", "to_label", "cause", "run_id")

AMOUNT_TYPE: Final = "decimal(18,2)"
SPEND_TYPE: Final = "decimal(28,2)"
# Dropped from a category before it is looked up: people type many kinds.
APOSTROPHES: Final = "'’‘ʼ`´"

# What no page, no drawing and no XML can show.
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# What Python's str.strip removes, so that a no-break space pasted from a spreadsheet does not make another customer.
WHITESPACE: Final = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# Nobody sees these, and whoever copies from a page or another program brings them along.
INVISIBLE: Final = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
# Trimmed from ids and categories.
EDGES: Final = WHITESPACE + INVISIBLE

# What stands for a purchase outside the three categories.
OTHER: Final = "Other"


class Category(StrEnum):
    """The categories that customers are labelled by, in the order that settles a tie."""

    WOMENS = "Womens"
    MENS = "Mens"
    KIDS = "Kids"


class Reason(StrEnum):
    """Why a row is rejected, in the order in which a row shows several."""

    MALFORMED_ROW = "malformed_row"
    MISSING_CUSTOMER_ID = "missing_customer_id"
    MISSING_PURCHASE_ID = "missing_purchase_id"
    MISSING_PURCHASE_DATE = "missing_purchase_date"
    INVALID_PURCHASE_DATE = "invalid_purchase_date"
    FUTURE_PURCHASE_DATE = "future_purchase_date"
    MISSING_AMOUNT = "missing_amount"
    INVALID_AMOUNT = "invalid_amount"
    NEGATIVE_AMOUNT = "negative_amount"
    INVALID_CURRENCY = "invalid_currency"
    MISSING_RATE = "missing_rate"
    DUPLICATE_PURCHASE = "duplicate_purchase"
    CONFLICTING_PURCHASE = "conflicting_purchase"


class Warn(StrEnum):
    """What is remarkable about a purchase that is used all the same, in the order in which it shows the first."""

    MISSING_CATEGORY = "missing_category"
    UNKNOWN_CATEGORY = "unknown_category"
    SPREADSHEET_ID = "spreadsheet_id"
    ANCIENT_DATE = "ancient_date"
    INVALID_EXTRA_VALUE = "invalid_extra_value"
