"""A hub, asked over HTTP: SQL, pages of rows, latest rows. Nothing here knows a question."""

import io
import json
import urllib.error
import urllib.parse
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq


class Hub:
    def __init__(self, base):
        self.base = base.rstrip("/")

    def get(self, path, parameters):
        address = f"{self.base}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            return urllib.request.urlopen(address, timeout=600)
        except urllib.error.HTTPError as refused:
            raise SystemExit(f"{path} {parameters}: {refused.code} {refused.read().decode()}") from None

    def ask(self, sql):
        """The answer to a statement, and the sources that it names."""
        body = json.dumps({"sql": sql, "format": "arrow"}).encode()
        request = urllib.request.Request(f"{self.base}/v1/sql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                table = pa.ipc.open_stream(answer).read_all()
        except urllib.error.HTTPError as refused:
            raise SystemExit(f"{refused.code} {refused.read().decode()}\n{sql}") from None
        return table, json.loads(table.schema.metadata[b"mochiyori:sources"])

    def layer(self, sql):
        """The features of an answer as GeoJSON."""
        with self.get("/v1/sql", {"q": sql, "format": "geojson"}) as answer:
            return json.load(answer)["features"]

    def whole(self, dataset):
        """Every row of a dataset, from the Parquet file that the hub makes of it."""
        with self.get("/v1/sql", {"q": f"SELECT * FROM {dataset}", "format": "parquet"}) as answer:
            return pq.read_table(io.BytesIO(answer.read())).to_pandas()

    def rows(self, dataset, select=None, **filters):
        """Rows by REST, page by page. A filter with several conditions is a list."""
        parameters = [("format", "json"), ("limit", "10000")]
        if select:
            parameters.append(("select", ",".join(select)))
        for column, conditions in filters.items():
            for condition in [conditions] if isinstance(conditions, str) else conditions:
                parameters.append((column, condition))
        path = f"/v1/datasets/{dataset.replace('.', '/')}/rows"
        rows, cursor, sources = [], None, []
        while True:
            more = [("cursor", cursor)] if cursor else []
            with self.get(path, parameters + more) as answer:
                page = json.load(answer)
            rows += page["rows"]
            sources = page["sources"]
            cursor = page.get("next_cursor")
            if not cursor:
                return rows, sources

    def latest(self, dataset, **parameters):
        """The newest row of each series by REST."""
        path = f"/v1/datasets/{dataset.replace('.', '/')}/latest"
        with self.get(path, parameters) as answer:
            page = json.load(answer)
        return page["rows"], page["sources"]
