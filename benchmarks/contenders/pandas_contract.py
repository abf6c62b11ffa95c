"""pandas, the contract: texts validated row by row, duplicates settled, then the rules. FILE FESTIVE_DAYS OUTPUT."""

import json
import sys

import numpy as np
import pandas as pd

path, festive_days, output = sys.argv[1:]
festive = pd.to_datetime(json.load(open(festive_days)))
today = pd.Timestamp.today().normalize()
NAMES = {
    "Customer_ID": "customer",
    "Order_ID": "purchase",
    "Date": "date",
    "Total_Amount_LKR": "amount",
    "Product_Category": "category",
}
rows = pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns=NAMES)
for name in NAMES.values():
    rows[name] = rows[name].str.strip()
plain_date = rows["date"].str.fullmatch(r"\d{4}-\d{2}-\d{2}")
rows["day"] = pd.to_datetime(rows["date"].where(plain_date), format="%Y-%m-%d", errors="coerce")
number = rows["amount"].str.extract(r"^([+-]?)(\d{1,16})(?:\.(\d{0,2})\d*)?$")
rows["cents"] = pd.to_numeric(number[1]) * 100 + pd.to_numeric(number[2].fillna("").str.ljust(2, "0"))
spelling = rows["category"].str.lower().str.replace("'", "", regex=False)
aliases = {
    **dict.fromkeys(("women", "woman", "womens", "ladies"), "Womens"),
    **dict.fromkeys(("men", "man", "mens", "gents"), "Mens"),
    **dict.fromkeys(("kid", "kids", "children", "child", "boys", "girls"), "Kids"),
}
rows["category"] = spelling.map(aliases).fillna("Other")
reasons = {
    "missing_customer_id": rows["customer"] == "",
    "missing_purchase_id": rows["purchase"] == "",
    "missing_purchase_date": rows["date"] == "",
    "invalid_purchase_date": (rows["date"] != "") & rows["day"].isna(),
    "future_purchase_date": rows["day"] > today,
    "missing_amount": rows["amount"] == "",
    "invalid_amount": (rows["amount"] != "") & number[1].isna(),
    "negative_amount": (number[0] == "-") & (rows["cents"] > 0),
}
rejected = np.logical_or.reduce(list(reasons.values()))
valid = rows.loc[~rejected, ["customer", "purchase", "day", "cents", "category"]]
twice = valid["purchase"].duplicated(keep=False)
best_first = valid[twice].sort_values(
    ["purchase", "day", "cents", "customer", "category"], ascending=[True, False, False, True, True]
)
kept = best_first.drop_duplicates("purchase")
used = pd.concat([valid[~twice], kept])
assert len(rows) == len(used) + rejected.sum() + twice.sum() - len(kept)

as_of = used["day"].max()
facts = pd.DataFrame(
    {
        "customer": used["customer"],
        "total": 1,
        "cents": used["cents"].astype("int64"),
        "last": used["day"],
        "recent": used["day"] >= as_of - pd.DateOffset(months=6),
        "festive": used["day"].isin(festive),
        **{name: used["category"] == name for name in ("Womens", "Mens", "Kids")},
    }
)
one = facts.groupby("customer", sort=True).agg(
    {name: "max" if name == "last" else "sum" for name in facts.columns if name != "customer"}
)
lapsed = one["last"] < as_of - pd.Timedelta(days=90)
frequency = np.select(
    [one.total == 1, one.recent >= 5, lapsed, one.festive * 10 >= one.total * 8],
    ["New", "Loyal", "Lapsed", "Seasonal"],
    "Regular",
)
spending = np.select(
    [(one.cents >= one.total * 1_500_000) | (one.cents >= 15_000_000), one.cents <= 1_000_000],
    ["High Value", "Low Value"],
    "Medium Value",
)
shared = sum((one[name] * 10 >= one.total * 3).astype(int) for name in ("Womens", "Mens", "Kids"))
category = np.select(
    [*(one[name] * 10 >= one.total * 7 for name in ("Womens", "Mens", "Kids")), shared >= 2],
    ["Womens", "Mens", "Kids", "Family"],
    "Mixed",
)
with open(output, "w") as file:
    labels = zip(one.index, frequency, spending, category, strict=True)
    lines = (
        f'{{"customer_id":{json.dumps(i)},"segmentation":'
        f'{{"purchase_frequency":"{f}","spending":"{s}","category":"{c}"}}}}'
        for i, f, s, c in labels
    )
    file.write("[\n" + ",\n".join(lines) + "\n]\n")
