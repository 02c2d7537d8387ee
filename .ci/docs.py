"""What the commands of docs/your-own-data.md talk to: AWS and a Taskcluster, on 127.0.0.1.

    python .ci/docs.py TRACES PORT

Spot prices are the recorded ones of 2021, in the pages of 1,000 rows in which EC2 gives them; the
price list is made of recorded on-demand prices, with what else the real one has beside plain
instances; a task group is made of recorded Firefox CI tasks, in the form of the queue's published
schema. All else (instance types) is moto's. Not here: credentials, scopes, signatures.
"""

import datetime
import gzip
import io
import json
import struct
import subprocess
import sys
import urllib.parse
from pathlib import Path
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

TRACES, PORT = Path(sys.argv[1]), int(sys.argv[2])
PAGE = 1000
START = datetime.datetime(2021, 3, 15, tzinfo=datetime.timezone.utc)


def table(name):
    text = subprocess.run(["zstd", "-dc", TRACES / name], check=True, capture_output=True, text=True).stdout
    header, *rows = text.splitlines()
    return [dict(zip(header.split("\t"), row.split("\t"))) for row in rows]


def iso(seconds):
    at = START + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


PRICES = table("spot-price.us-east-1.2021-03_04.all-products.tsv.zst")
ON_DEMAND = {row["type"]: row["od_usd_hr"] for row in reversed(table("on-demand.us-east-1.2022-06_2026-07.tsv.zst"))}


def spot_prices(query):
    """Newest first, and of each market also the last price before the span, as EC2 has it."""
    wanted = lambda name: {value for key, value in query.items() if key.startswith(name + ".")}
    types, products = wanted("InstanceType"), wanted("ProductDescription")
    since, until = query.get("StartTime", "").split(".")[0], query.get("EndTime", "9").split(".")[0]
    rows, before = [], {}
    for row in PRICES:
        if (types and row["type"] not in types) or (products and row["product"] not in products):
            continue
        if row["ts"] < since:
            before[row["az"], row["type"], row["product"]] = row
        elif row["ts"] <= until:
            rows.append(row)
    rows = sorted([*before.values(), *rows], key=lambda row: row["ts"], reverse=True)
    at = int(query.get("NextToken", 0))
    items = "".join(
        f"<item><instanceType>{r['type']}</instanceType><productDescription>{escape(r['product'])}"
        f"</productDescription><spotPrice>{r['price']}</spotPrice><timestamp>{r['ts']}</timestamp>"
        f"<availabilityZone>{r['az']}</availabilityZone></item>"
        for r in rows[at : at + PAGE]
    )
    token = str(at + PAGE) if at + PAGE < len(rows) else ""
    return (
        '<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>r</requestId><spotPriceHistorySet>{items}</spotPriceHistorySet>"
        f"<nextToken>{token}</nextToken></DescribeSpotPriceHistoryResponse>"
    )


def price_list(request):
    """One plain product of each type, and what is sold beside it."""
    plain = {"tenancy": "Shared", "capacitystatus": "Used", "preInstalledSw": "NA"}
    others = [{}, {"tenancy": "Dedicated"}, {"capacitystatus": "UnusedCapacityReservation"}, {"preInstalledSw": "SQL Std"}]
    filters = {it["Field"]: it["Value"] for it in request.get("Filters", [])}
    offers = []
    for name, price in ON_DEMAND.items():
        for other in others:
            attributes = {
                "instanceType": name, "regionCode": "us-east-1", "operatingSystem": "Linux",
                "licenseModel": "No License required", "marketoption": "OnDemand", **plain, **other,
            }
            if any(attributes.get(field) != value for field, value in filters.items()):
                continue
            dimension = {"unit": "Hrs", "pricePerUnit": {"USD": f"{float(price):.10f}"}}
            term = {"effectiveDate": "2021-03-01T00:00:00Z", "priceDimensions": {"S.T.D": dimension}}
            offers.append(json.dumps({
                "product": {"productFamily": "Compute Instance", "attributes": attributes, "sku": "S"},
                "serviceCode": "AmazonEC2", "terms": {"OnDemand": {"S.T": term}},
            }))
    return {"FormatVersion": "aws_v1", "PriceList": offers}


def task_group():
    """Each tenth build, all decisions; now and then one that was lost, cancelled or still runs."""
    records = []
    for pool, every in [("gecko-3-b-linux", 10), ("mobile-3-decision", 1)]:
        bytes_ = (TRACES / f"firefox-ci.{pool}.dat").read_bytes()
        records += [(at / 1000, ms / 1000, pool) for at, ms in list(struct.iter_unpack(">II", bytes_))[::every]]
    tasks = []
    for number, (at, ran, pool) in enumerate(sorted(records)):
        run = lambda run_id, why, state, ended, *times: {
            "runId": run_id, "state": state, "reasonCreated": why, "reasonResolved": ended,
            "workerGroup": "us-east-1", "workerId": "i-0",
            **{name: iso(time) for name, time in zip(["scheduled", "started", "resolved"], times)},
        }
        runs = [run(0, "scheduled", "completed", "completed", at, at + 90, at + 90 + ran)]
        if number % 200 == 7:
            lost = run(0, "scheduled", "exception", "worker-shutdown", at, at + 90, at + 150)
            runs = [lost, run(1, "retry", "completed", "completed", at + 150, at + 200, at + 200 + ran)]
        elif number % 500 == 8:
            runs = [run(0, "scheduled", "exception", "canceled", at, at + 30)]
            runs[0]["resolved"] = runs[0].pop("started")
        elif number % 700 == 9:
            runs = []
        provisioner, worker_type = pool.rsplit("-", 1) if "decision" in pool else ("gecko-3", "b-linux")
        deadline = iso(at + 86400)
        status = {
            "taskId": f"t{number:021}", "provisionerId": provisioner, "workerType": worker_type,
            "taskQueueId": f"{provisioner}/{worker_type}", "schedulerId": "gecko-level-3", "projectId": "none",
            "taskGroupId": "fN1SbArXTPSVFNUvaOlinQ", "deadline": deadline, "expires": iso(at + 31536000),
            "retriesLeft": 5, "state": runs[-1]["state"] if runs else "unscheduled", "runs": runs,
        }
        priority = "highest" if worker_type == "decision" else "low"
        tasks.append({"status": status, "task": {"priority": priority, "retries": 5, "created": iso(at), "deadline": deadline, "payload": {}}})
    return tasks


TASKS = task_group()


def queue(path, query):
    at = int(query.get("continuationToken", ["0"])[0])
    size = min(int(query.get("limit", [PAGE])[0]), PAGE)
    group = path.split("/")[-2]
    page = {"taskGroupId": group, "tasks": TASKS[at : at + size]}
    if at + size < len(TASKS):
        page["continuationToken"] = str(at + size)
    return page


MOTO = DomainDispatcherApplication(create_backend_app)


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ.get("HTTP_CONTENT_ENCODING") == "gzip":
        body = gzip.decompress(body)
    form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
    answer = None
    if path.startswith("/api/queue/v1/task-group/"):
        answer = json.dumps(queue(path, urllib.parse.parse_qs(environ["QUERY_STRING"])))
    elif environ.get("HTTP_X_AMZ_TARGET") == "AWSPriceListService.GetProducts":
        answer = json.dumps(price_list(json.loads(body)))
    elif form.get("Action") == "DescribeSpotPriceHistory":
        answer = spot_prices(form)
    if answer is None:
        environ["wsgi.input"] = io.BytesIO(body)
        return MOTO(environ, start_response)
    kind = "text/xml" if answer.startswith("<") else "application/json"
    start_response("200 OK", [("Content-Type", kind)])
    return [answer.encode()]


run_simple("127.0.0.1", PORT, application, threaded=True)
