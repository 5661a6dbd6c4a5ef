"""An account of Snowflake over HTTP: fakesnow, with a database, a schema, tables and stages.

    python snow.py      prints its address as JSON, and ends when stdin does

fakesnow takes files into stages, and gives none out. What is missing is here as the service has it:
GET, LIST of a path, and files that the connector encrypts before it sends them, with a key that the
service gives it for each; those of the stage SSE are kept as they are. Files come and go by links,
which is how accounts on Google's cloud do it: the others need TLS.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import snowflake.connector
from fakesnow import server
from fakesnow.transforms import stage
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

service = importlib.import_module("fakesnow.server")  # the function of that name hides it
TABLES = '''
create table people (id int, name varchar, score float, born date);
insert into people values (1, 'ana', 0.5, '1999-01-02'), (2, null, 1.5, null);
create table "odd ""name""" (x int);
create view names as select name from people;
create stage files;
create stage sse;
create stage bucket url='s3://lake/raw/'
'''
LISTED = re.compile(r"LIST '@([^/']+)/[^']*'$")
PUT = re.compile(r"PUT ('[^']+') '@([^']+)' (.*)")
GET = re.compile(r"GET '@([^/']+)/([^']+)' 'file://([^']+)'.* PATTERN='([^']+)'")
KEY = {"queryStageMasterKey": base64.b64encode(bytes(range(16))).decode()}
KEY |= {"queryId": "01b2", "smkId": "7"}
KEPT: dict[str, dict[str, str]] = {}
"""What was sent beside each file."""


async def query(request: Request) -> Response:
    packed = request.headers.get("content-encoding") == "gzip"
    body = await request.body()
    told = json.loads(gzip.decompress(body) if packed else body)
    text = LISTED.sub(r"LIST '@\1'", told["sqlText"])
    text = PUT.sub(r"PUT \1 @\2 \3", text)  # without spaces it may stand so
    if found := GET.match(text):
        return given_out(request, *found.groups())
    body = json.dumps(told | {"sqlText": text}).encode()
    request._body = gzip.compress(body) if packed else body
    answer = await service.query_request(request)
    said = json.loads(bytes(answer.body))
    if text.startswith("PUT") and said.get("success"):
        said["data"] |= sealing(text)
        return JSONResponse(said)
    return answer


def sealing(text: str) -> dict[str, Any]:
    return {} if '"SSE"' in text else {"encryptionMaterial": KEY}


def given_out(request: Request, named: str, path: str, to: str, pattern: str) -> Response:
    """The answer to GET: a link for each file whose path begins so and fits the pattern."""
    top = Path(stage.internal_dir(named.replace('"', "")))
    paths = (file.relative_to(top).as_posix() for file in top.rglob("*") if file.is_file())
    found = [p for p in paths if p.startswith(path) and re.fullmatch(pattern, f"stage/{p}")]
    links = [f"{request.base_url}fs_bucket/{link(top / one)}" for one in found]
    where = {"locationType": "GCS", "location": f"{named}/", "creds": {}}
    data: dict[str, Any] = {"command": "DOWNLOAD", "localLocation": to, "stageInfo": where}
    data |= {"src_locations": found, "presignedUrls": links, "parallel": 4}
    data |= {"encryptionMaterial": [KEY for _ in found]} if sealing(named) else {}
    return JSONResponse({"data": data, "success": True})


def link(file: Path) -> str:
    return file.relative_to(stage.LOCAL_BUCKET_PATH).as_posix()


async def upload(request: Request) -> Response:
    names = {"x-goog-meta-encryptiondata", "x-goog-meta-matdesc", "x-goog-meta-sfc-digest"}
    headers = {name: value for name, value in request.headers.items() if name in names}
    KEPT[request.path_params["path"]] = headers
    return await service.bucket_upload(request)


async def download(request: Request) -> Response:
    path = request.path_params["path"]
    file = Path(stage.LOCAL_BUCKET_PATH, path)
    if file.name == "slow.bin":
        while not await request.is_disconnected():
            await asyncio.sleep(0.05)
    if file.name == "forbidden.bin":
        return Response(status_code=403)
    return Response(file.read_bytes(), headers=KEPT.get(path, {}))


OURS = [
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/fs_bucket/{path:path}", upload, methods=["PUT"]),
    Route("/fs_bucket/{path:path}", download, methods=["GET"]),
]


def main() -> None:
    told_to = os.dup(1)
    os.dup2(2, 1)  # the server talks on stdout, too
    service.app = Starlette(routes=[*OURS, *service.routes])
    with server() as address:
        with snowflake.connector.connect(**address, database="lab", schema="raw") as connection:
            for statement in TABLES.split(";"):
                connection.cursor().execute(statement)
        told = {key: address[key] for key in ("host", "port", "protocol", "account")}
        os.write(told_to, json.dumps(told).encode() + b"\n")
        sys.stdin.read()
        os._exit(0)  # whoever is still connected is not waited for


if __name__ == "__main__":
    main()
