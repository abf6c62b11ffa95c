"""pandas, the rules only: clean input is taken for granted, nothing is validated. FILE FESTIVE_DAYS OUTPUT."""

import json
import sys

import numpy as np
import pandas as pd

path, festive_days, output = sys.argv[1:]
festive = pd.to_datetime(json.load(open(festive_days)))
rows = pd.read_csv(path, dtype={"Customer_ID": str, "Product_Category": "category"}, parse_dates=["Date"])
as_of = rows["Date"].max()
cents = (rows["Total_Amount_LKR"] * 100).round().astype("int64")
facts = pd.DataFrame(
    {
        "customer": rows["Customer_ID"],
        "total": 1,
        "cents": cents,
        "last": rows["Date"],
        "recent": rows["Date"] >= as_of - pd.DateOffset(months=6),
        "festive": rows["Date"].isin(festive),
        **{name: rows["Product_Category"] == name for name in ("Womens", "Mens", "Kids")},
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
lines = (
    '{"customer_id":"'
    + one.index.to_series()
    + '","segmentation":{"purchase_frequency":"'
    + pd.Series(frequency, one.index)
    + '","spending":"'
    + pd.Series(spending, one.index)
    + '","category":"'
    + pd.Series(category, one.index)
    + '"}}'
)
with open(output, "w") as file:
    file.write("[\n" + ",\n".join(lines) + "\n]\n")
