"""How busy the machine was with anything but the benchmark. Figures taken beside other work are worth
less, and who reads them should know."""

import os
import pathlib

TICKS = os.sysconf("SC_CLK_TCK")


def machine_seconds():
    """Processor seconds that the machine spent working, and all that it had."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / TICKS, sum(fields) / TICKS


def busy_seconds(pid):
    """Processor seconds that a process has taken so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def own_seconds(pid):
    """Processor seconds of the benchmark, the programs that it ran, and the hub."""
    return sum(os.times()[:4]) + busy_seconds(pid)


class Watch:
    """Measures from here on. It must end before the hub is started anew: a new process counts from 0."""

    def __init__(self, pid):
        self.pid, self.own, (self.busy, self.all) = pid, own_seconds(pid), machine_seconds()

    def others(self):
        """The share of the machine's processor time that others took."""
        busy, everything = machine_seconds()
        own = own_seconds(self.pid) - self.own
        return max(0.0, (busy - self.busy - own) / max(everything - self.all, 0.01))
