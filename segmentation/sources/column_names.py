"""Names that columns have in exports: which of them could be those of a purchase."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from segmentation.schemas import AMOUNT, CATEGORY, CUSTOMER_ID, LINE_ID, PURCHASE_DATE, PURCHASE_ID
from segmentation.sources.header import Columns, candidates

# As letters and digits, small; what is more certain to be it first.
NAMES: Mapping[str, Sequence[str]] = {
    PURCHASE_ID: (
        *("orderid", "purchaseid", "ordernumber", "orderno", "invoiceid", "invoicenumber", "invoiceno"),
        *("transactionid", "transactionno", "saleid", "ticketid", "receiptid"),
        *("receiptnumber", "receiptno", "billno", "salesid"),
        *("order", "invoice", "transaction", "receipt"),
    ),
    PURCHASE_DATE: (
        *("purchasedate", "orderdate", "invoicedate", "transactiondate", "saledate", "date", "createdat"),
        *("datecreated", "paidat", "orderedat", "purchasedat", "datetime", "timestamp", "day"),
    ),
    AMOUNT: (
        *("totalamountlkr", "lineitemtotal", "itemtotal", "linetotal", "lineamount"),
        *("ordertotal", "totalamount", "grandtotal", "amount"),
        *("netamount", "total", "totalprice", "netsales", "sales", "subtotal", "revenue", "value", "price"),
    ),
    CATEGORY: (
        *("productcategory", "category", "department", "producttype", "productgroup", "itemcategory"),
        *("section", "gender", "type"),
    ),
    CUSTOMER_ID: (
        *("customerid", "customernumber", "customerno", "customercode"),
        *("clientid", "buyerid", "memberid", "userid"),
        *("accountid", "customeremail", "billingemail", "email", "customer", "client", "buyer", "member"),
        *("kundennr", "kundennummer", "klantnummer", "idclient", "customername", "phone"),
    ),
}
# Its export calls an order so, and a customer Email.
ORDERS_OF_SHOPIFY = "name"
QUANTITIES = frozenset(("quantity", "qty", "lineitemquantity", "itemquantity", "units", "pieces"))
OTHER_WORDS = frozenset(
    (
        *("date", "time", "amount", "total", "price", "discount"),
        *("tax", "vat", "shipping", "fee", "refund", "status"),
        *("group", "type", "city", "country", "name", "quantity"),
        *("qty", "address", "zip", "note", "method", "currency"),
    )
)
LINE_NAMES = frozenset(("lineid", "lineno", "linenumber", "lineitemid", "itemno", "position", "orderline", "itemid"))


def places_of(cells: Sequence[str], columns: Columns) -> dict[str, int]:
    """Purchase column -> the place of a cell that could be it; one cell is one column."""
    plain = [_plain(cell) for cell in cells]
    found: dict[str, int] = {}
    # What is sure takes its cell before what is likely.
    for likely in (lambda column: candidates(column, cells, columns), _equal(plain), _within(cells)):
        for column in NAMES:
            free = [at for at in likely(column) if at not in found.values()]
            if column not in found and free:
                found[column] = free[0]
    orders = [at for at, cell in enumerate(plain) if cell == ORDERS_OF_SHOPIFY and at not in found.values()]
    has_email = CUSTOMER_ID in found and "email" in plain[found[CUSTOMER_ID]]
    if has_email and PURCHASE_ID not in found and orders:
        found[PURCHASE_ID] = orders[0]
    return found


def _equal(plain: Sequence[str]) -> Callable[[str], list[int]]:
    return lambda column: [at for name in NAMES[column] for at, cell in enumerate(plain) if cell == name]


def _within(cells: Sequence[str]) -> Callable[[str], list[int]]:
    """Some words of a longer name: "Customer id (CRM)", "Net amount in LKR"; the others may say that it is something
    else: "Customer note", "Discount amount".
    """
    words = [re.findall("[^\\W_]+", cell.lower()) for cell in cells]
    return lambda column: [at for name in NAMES[column] for at, some in enumerate(words) if _says(some, name)]


def _says(words: Sequence[str], name: str) -> bool:
    """Do some words in a row make up a name, and do the others not say that it is something else?"""
    spans = combinations(range(len(words) + 1), 2)
    span = next(((start, end) for start, end in spans if "".join(words[start:end]) == name), None)
    return span is not None and OTHER_WORDS.isdisjoint((*words[: span[0]], *words[span[1] :]))


def _plain(cell: str) -> str:
    return "".join(mark for mark in cell.lower() if mark.isalnum())


def line_number_of(cells: Sequence[str], columns: Columns) -> str | None:
    """The cell that may number the lines of an order, where `columns` maps none."""
    if LINE_ID in columns:
        return None
    return next((cell.strip() for cell in cells if _plain(cell) in LINE_NAMES), None)


def is_price_of_a_piece(amount: str, cells: Sequence[str]) -> bool:
    """Is the amount a price beside a quantity, which the job does not multiply?"""
    return "price" in _plain(amount) and not QUANTITIES.isdisjoint(map(_plain, cells))
