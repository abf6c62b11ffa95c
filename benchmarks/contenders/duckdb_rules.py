"""DuckDB, the rules only: clean input is taken for granted, nothing is validated. FILE FESTIVE_DAYS OUTPUT."""

import json
import sys

import duckdb

path, festive_days, output = sys.argv[1:]
days = ", ".join(f"DATE '{day}'" for day in json.load(open(festive_days)))
db = duckdb.connect()
db.execute(
    """CREATE VIEW purchases AS SELECT * FROM read_csv(?, header = true, columns = {
         'Customer_ID': 'VARCHAR', 'Order_ID': 'VARCHAR', 'Date': 'DATE', 'Total_Amount_LKR': 'DECIMAL(18,2)',
         'Product_Category': 'VARCHAR'})""".replace("?", "'" + path.replace("'", "''") + "'")
)
lines = db.execute(
    f"""
    WITH latest AS (SELECT max(Date) AS as_of FROM purchases),
    one AS (
      SELECT Customer_ID AS id, count(*) AS total, sum(Total_Amount_LKR) AS spend, max(Date) AS last,
        any_value(as_of) AS as_of,
        count(*) FILTER (Date >= as_of - INTERVAL 6 MONTH) AS recent, count(*) FILTER (Date IN ({days})) AS festive,
        count(*) FILTER (Product_Category = 'Womens') AS womens, count(*) FILTER (Product_Category = 'Mens') AS mens,
        count(*) FILTER (Product_Category = 'Kids') AS kids
      FROM purchases, latest GROUP BY Customer_ID)
    SELECT '{{"customer_id":"' || id || '","segmentation":{{"purchase_frequency":"' ||
      CASE WHEN total = 1 THEN 'New' WHEN recent >= 5 THEN 'Loyal' WHEN last < as_of - INTERVAL 90 DAY THEN 'Lapsed'
        WHEN festive * 10 >= total * 8 THEN 'Seasonal' ELSE 'Regular' END || '","spending":"' ||
      CASE WHEN spend >= total * 15000 OR spend >= 150000 THEN 'High Value' WHEN spend <= 10000 THEN 'Low Value'
        ELSE 'Medium Value' END || '","category":"' ||
      CASE WHEN womens * 10 >= total * 7 THEN 'Womens' WHEN mens * 10 >= total * 7 THEN 'Mens'
        WHEN kids * 10 >= total * 7 THEN 'Kids'
        WHEN (womens * 10 >= total * 3)::INT + (mens * 10 >= total * 3)::INT + (kids * 10 >= total * 3)::INT >= 2
        THEN 'Family' ELSE 'Mixed' END || '"}}}}'
    FROM one ORDER BY id"""
).fetchall()
with open(output, "w") as file:
    file.write("[\n" + ",\n".join(line for (line,) in lines) + "\n]\n")
