"""An account of Snowflake over HTTP: fakesnow, with a database, a schema and tables.

python snow.py      prints its address as JSON, and ends when stdin does
"""

from __future__ import annotations

import json
import os
import sys

import fakesnow
import snowflake.connector

TABLES = '''
create table people (id int, name varchar, score float, born date);
insert into people values (1, 'ana', 0.5, '1999-01-02'), (2, null, 1.5, null);
create table "odd ""name""" (x int);
create view names as select name from people
'''


def main() -> None:
    told_to = os.dup(1)
    os.dup2(2, 1)  # the server talks on stdout, too
    with fakesnow.server() as address:
        with snowflake.connector.connect(**address, database="lab", schema="raw") as connection:
            for statement in TABLES.split(";"):
                connection.cursor().execute(statement)
        told = {key: address[key] for key in ("host", "port", "protocol", "account")}
        os.write(told_to, json.dumps(told).encode() + b"\n")
        sys.stdin.read()


if __name__ == "__main__":
    main()
