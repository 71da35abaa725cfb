"""Runs the Python of docs/clients.md that needs a database: enqueues, then serves what was enqueued."""
import os
import re
import sys

import psycopg2

SOURCES = os.environ["LEDGER_SOURCES"]
sys.path.insert(0, os.path.join(SOURCES, "clients/python"))
import jobrunner  # noqa: E402

with open(os.path.join(SOURCES, "docs/clients.md"), encoding="utf-8") as page:
    blocks = re.findall(r"```python\n(.*?)```", page.read(), re.S)
bill, = (block for block in blocks if "INSERT INTO bills" in block)
order, = (block for block in blocks if "INSERT INTO orders" in block)
connection = psycopg2.connect(os.environ["LEDGER_DATABASE"])

if sys.argv[1] == "enqueue":
    with connection:
        connection.cursor().execute("CREATE TABLE bills (number int); CREATE TABLE orders (number int)")
    exec(order, {"connection": connection, "jobrunner": jobrunner})
else:
    service = jobrunner.Service()
    service.on("order.bill", lambda job: exec(bill, {"connection": connection, "job": job}))
    service.run()
