"""The most memory that a hub took: its own process's peak, and that of the processes that decode for it,
which come and go. Theirs are looked at many times a second, and the kernel keeps each one's peak."""

import pathlib
import threading

from hub import forget_peak, memory

GLANCE_SECONDS = 0.05


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            pass
    return found


class Peak:
    """Watches from `with` to its end; then `bytes` is the sum of the hub's peak and its largest worker's."""

    def __init__(self, pid):
        self.pid, self.worker_bytes, self.done = pid, 0, threading.Event()

    def __enter__(self):
        forget_peak(self.pid)
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        self.hub_bytes = memory(self.pid, "VmHWM")
        self.bytes = self.hub_bytes + self.worker_bytes

    def look(self):
        while not self.done.wait(GLANCE_SECONDS):
            for child in children(self.pid):
                try:
                    self.worker_bytes = max(self.worker_bytes, memory(child, "VmHWM"))
                except (OSError, KeyError):
                    pass  # It ended meanwhile.
