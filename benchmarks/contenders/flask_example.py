"""The business document's example: each request reads the whole file. FILE PORT."""

import json
import sys

from flask import Flask, jsonify

path, port = sys.argv[1:]
app = Flask(__name__)


@app.route("/segments/<customer_id>")
def segment(customer_id: str) -> object:
    """One customer."""
    with open(path, encoding="utf-8") as file:
        customers = json.load(file)
    for customer in customers:
        if customer["customer_id"] == customer_id:
            return jsonify(customer)
    return jsonify({"error": "Customer not found"}), 404


app.run(port=int(port), threaded=True)
