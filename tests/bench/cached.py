"""Answers that are asked again, and answers that have not changed (304), beside a bare axum route that gives
the same bytes. Server and clients are of the same small program for all (examples/bare_route.rs of
hub-server), so that what differs is the hub."""

import json
import subprocess
import urllib.parse
import urllib.request

SQL = "SELECT station, avg(temperature) AS mean FROM bench_weather.observations GROUP BY station ORDER BY station LIMIT 50"


def measure(hub, helper, clients, seconds):
    path = "/v1/sql?" + urllib.parse.urlencode({"q": SQL})
    # As the clients ask who make the load; a token's answers have validators of their own.
    answer = urllib.request.urlopen(f"http://{hub.host}:{hub.port}{path}")
    body, tag = answer.read(), answer.headers.get("etag")
    results = {}
    for many in clients:
        results[f"hub_{many}"] = load(helper, hub.host, hub.port, path, many, seconds)
        if tag:
            results[f"hub_304_{many}"] = load(helper, hub.host, hub.port, path, many, seconds, tag)
        else:
            results[f"hub_304_{many}"] = {"problem": "the answer has no ETag"}
        with Bare(helper, len(body)) as bare:
            results[f"bare_{many}"] = load(helper, "127.0.0.1", bare.port, "/", many, seconds)
            results[f"bare_304_{many}"] = load(helper, "127.0.0.1", bare.port, "/", many, seconds, bare.tag)
        print(f"bench: cached at {many} clients: {results}", flush=True)
    for name in [name for name in results if name.startswith("hub")]:
        of = results[name.replace("hub", "bare")]
        if "per_second" in results[name]:
            results[name]["of_bare"] = results[name]["per_second"] / of["per_second"]
    return {"bytes": len(body), "loads": results}


def load(helper, host, port, path, clients, seconds, tag=None):
    command = [helper, "ask", f"{host}:{port}", path, str(clients), str(seconds)] + ([tag] if tag else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"problem": done.stderr.strip()}


class Bare:
    tag = '"bare"'

    def __init__(self, helper, size):
        self.helper, self.size = helper, size

    def __enter__(self):
        self.process = subprocess.Popen([self.helper, "serve", str(self.size)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
