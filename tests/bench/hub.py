"""A hub of the benchmark's own, and how it is spoken to."""

import http.client
import json
import os
import pathlib
import subprocess
import time
import urllib.parse

import pyarrow as pa

from data import CONTRACTS

START_SECONDS = 60
STOP_SECONDS = 60


class Refused(Exception):
    """The hub answered with a problem."""


def memory(pid, name):
    """A figure of a process's memory in bytes: VmRSS now, VmHWM at most since `forget_peak`."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def forget_peak(pid):
    """Lets the peak begin anew at what the process holds now."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


class Hub:
    """Runs from `with` to its end, on a free port, in an empty folder. All limits but the threads are the
    defaults: the figures are those of a hub as it is installed. Only answers are not kept, where nothing else
    is said: a statement that is run again would cost nothing."""

    def __init__(self, binary, folder, threads):
        self.binary, self.folder, self.threads = binary, folder, threads
        self.keeps_answers = False

    def __enter__(self):
        self.folder.mkdir(parents=True)
        self.log = open(self.folder.parent / "hub.log", "wb")
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()

    def restart(self, keeps_answers=False):
        """A new process over the same data, with nothing in its memory yet."""
        self.stop()
        self.keeps_answers = keeps_answers
        (self.folder / "listen-address").unlink(missing_ok=True)
        self.start()

    def start(self):
        environment = dict(
            os.environ,
            MOCHIYORI_UPLOADS__THREADS=str(self.threads),
            MOCHIYORI_QUERIES__THREADS=str(self.threads),
            MOCHIYORI_LOG__FILTER="warn",
        )
        if not self.keeps_answers:
            environment["MOCHIYORI_QUERIES__KEPT_ANSWER_BYTES"] = "0"
        command = [self.binary, "serve", "--data-dir", self.folder, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                address = (self.folder / "listen-address").read_text().strip().removeprefix("http://")
                self.host, port = address.rsplit(":", 1)
                self.port = int(port)
                self.token = (self.folder / "admin-token").read_text().strip()
                self.request("GET", "/readyz").read()
                return
            except (OSError, Refused, ValueError):
                time.sleep(0.1)
        log = (self.folder.parent / "hub.log").read_text(errors="replace")
        raise RuntimeError(f"the hub did not become ready; its log says:\n{log[-4000:]}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def request(self, method, path, body=None, headers=()):
        """Sends a request on a connection of its own; the answer's body is not read yet."""
        # The library sends a file in small pieces if nothing is said.
        connection = http.client.HTTPConnection(self.host, self.port, timeout=1800, blocksize=1 << 20)
        headers = {"Authorization": f"Bearer {self.token}", **dict(headers)}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {answer.read(4000).decode(errors='replace')}")
        return answer

    def send_json(self, method, path, value):
        body = json.dumps(value)
        return json.load(self.request(method, path, body, {"Content-Type": "application/json"}))

    def describe(self, files):
        """Makes the agencies and datasets, and takes in all but the observations."""
        for dataset, contract in CONTRACTS.items():
            self.make_dataset(dataset, contract)
        self.upload("bench_road.traffic", files.traffic)
        self.upload("bench_road.counters", files.counters)
        self.upload("bench_road.offices", files.offices)
        self.upload("bench_road.surface", files.surface)

    def make_dataset(self, dataset, contract):
        agency = dataset.split(".")[0]
        self.send_json("PUT", f"/v1/agencies/{agency}", {"name": {"ja": agency, "en": agency}})
        metadata = {
            "title": {"ja": dataset, "en": dataset},
            "licence": "CC-BY-4.0",
            "attribution": "Made for benchmarks",
            "synthetic": True,
        }
        self.send_json("PUT", dataset_path(dataset), {"metadata": metadata, "contract": contract})

    def preview(self, dataset, file):
        """Has a file read and checked against a dataset's contract, and published nowhere."""
        with open(file, "rb") as body:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            path = f"/v1/previews?dataset={dataset}&file_name={file.name}"
            return json.load(self.request("POST", path, body, headers))

    def upload(self, dataset, file, mode="replace"):
        """Takes a file in; returns when the version is committed."""
        with open(file, "rb") as body:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            path = f"{dataset_path(dataset)}/uploads?mode={mode}&file_name={file.name}"
            answer = json.load(self.request("POST", path, body, headers))
        if answer["state"] != "committed":
            raise Refused(f"{file.name} was not committed: {answer}")
        return answer

    def query(self, sql, form="arrow"):
        body = json.dumps({"sql": sql, "format": form})
        return self.request("POST", "/v1/sql", body, {"Content-Type": "application/json"})

    def table(self, sql):
        with pa.ipc.open_stream(self.query(sql)) as reader:
            return reader.read_all()

    def entry(self, dataset, upload):
        """What the log entry of an upload adds and removes, as file sizes by name."""
        agency, name = dataset.split(".")
        log = self.folder / "lake" / agency / name / "_delta_log"
        # Each upload leaves its id in its entry, and in no other.
        text = next(text for text in (path.read_text() for path in log.glob("*.json")) if upload in text)
        actions = [json.loads(line) for line in text.splitlines()]
        sizes = {kind: {a[kind]["path"]: a[kind]["size"] for a in actions if kind in a} for kind in ("add", "remove")}
        return sizes["add"], sizes["remove"]

    def files_of(self, dataset):
        """The Parquet files of a dataset's newest version, as its log in the lake has them."""
        agency, name = dataset.split(".")
        folder = self.folder / "lake" / agency / name
        files = set()
        for entry in sorted((folder / "_delta_log").glob("*.json")):
            for line in entry.read_text().splitlines():
                action = json.loads(line)
                if "add" in action:
                    files.add(urllib.parse.unquote(action["add"]["path"]))
                elif "remove" in action:
                    files.discard(urllib.parse.unquote(action["remove"]["path"]))
        return sorted(str(folder / file) for file in files)


def dataset_path(dataset):
    return "/v1/datasets/" + dataset.replace(".", "/")
