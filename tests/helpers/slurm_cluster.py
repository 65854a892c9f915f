"""A Slurm cluster on this machine: three nodes, two partitions, two pretended GPUs, all of it in one folder.

It lives in a network namespace of its own that holds nothing but loopback. Whatever runs in that namespace was started
by the cluster, so that is what `stop` ends.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).parent / "slurm"
NODES = ("cpu1", "cpu2", "gpu1")
CLIENTS = ("sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol")
DAEMONS = ("munged", "slurmctld", "slurmd")
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
SEARCH_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# Without a second address glibc takes IPv4 for absent, and slurmctld dies of it.
LOOPBACK = "ip link set lo up && ip addr add 127.0.0.2/8 dev lo && echo ready && exec sleep infinity"


class UnavailableError(Exception):
    """Why there can be no cluster here."""


def program(name: str) -> str | None:
    """Where a program is; daemons are often not on a user's path."""
    return shutil.which(name, path=SEARCH_PATH)


def require_slurm() -> None:
    """Install Slurm where continuous integration may; raise UnavailableError where a cluster cannot be started."""
    if os.geteuid() != 0:
        raise UnavailableError("needs root to make a network namespace")
    wanted = (*DAEMONS, *CLIENTS)
    if not all(map(program, wanted)) and os.environ.get("CI") == "true" and program("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", *command], check=False, capture_output=True, timeout=300)
    if missing := [name for name in (*wanted, "unshare", "nsenter", "ip") if not program(name)]:
        raise UnavailableError(f"needs {', '.join(missing)} (Debian packages {' '.join(PACKAGES)})")
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True, timeout=10).returncode:
        raise UnavailableError("needs the right to make a network namespace")


def free_ports(n: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(n)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class SlurmCluster:
    """Slurm below `root`, an existing folder that every user can reach (munged refuses private ones)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.daemons: list[subprocess.Popen] = []
        self.namespace: subprocess.Popen | None = None

    def start(self) -> None:
        """Start the daemons and wait until every node is idle."""
        self._write_files()
        self.namespace = subprocess.Popen(["unshare", "-n", "sh", "-c", LOOPBACK], stdout=subprocess.PIPE, text=True)
        assert self.namespace.stdout.readline() == "ready\n", "no loopback in the network namespace"
        munge = self.root / "munge"
        files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self._daemon("munged", "--foreground", *(f"--{option}={munge / name}" for option, name in files.items()))
        self._until(lambda: (munge / "socket").exists(), "munged")
        self._daemon("slurmctld", "-D", "-c")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node)
        self._until(lambda: set(NODES) <= set(self.ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()), "nodes")

    def _write_files(self) -> None:
        self.root.chmod(0o755)
        for folder in ("etc", "munge", "state", "log", "dev", "bin", *(f"spool/{node}" for node in NODES)):
            (self.root / folder).mkdir(parents=True)
        ports = dict(zip(("controller", *NODES), free_ports(4), strict=True))
        for template in TEMPLATES.glob("*.conf"):
            text = Template(template.read_text()).substitute(root=self.root, **ports)
            (self.root / "etc" / template.name).write_text(text)
        (self.root / "munge" / "key").write_bytes(os.urandom(128))
        (self.root / "munge" / "key").chmod(0o400)
        for number in (0, 1):
            (self.root / "dev" / f"gpu{number}").symlink_to("/dev/null")
        # Inside a job Snakemake drops SLURM_CONF, so each client puts it back.
        for client in CLIENTS:
            shim = self.root / "bin" / client
            shim.write_text(f'#!/bin/sh\nSLURM_CONF={self.root}/etc/slurm.conf exec {program(client)} "$@"\n')
            shim.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of a process that uses the cluster."""
        path = f"{self.root / 'bin'}:{SEARCH_PATH}"
        return os.environ | {"SLURM_CONF": str(self.root / "etc" / "slurm.conf"), "PATH": path}

    def inside(self, *command: str) -> list[str]:
        """The command line that runs `command` where the cluster can be reached."""
        return ["nsenter", f"--net=/proc/{self.namespace.pid}/ns/net", *command]

    def ask(self, *command: str) -> str:
        """What a client prints; nothing where it fails or takes too long."""
        given = {"env": self.environment, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        try:
            return subprocess.run(self.inside(*command), check=True, timeout=10, **given).stdout
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return ""

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the start, as `scontrol show job` describes it."""
        lines = self.ask("scontrol", "show", "job", "--details", "--oneliner").splitlines()
        return [dict(re.findall(r"(\w+(?::\w+)?)=(\S*)", line)) for line in lines if line.startswith("JobId=")]

    def _daemon(self, name: str, *arguments: str) -> None:
        log = (self.root / "log" / f"{name}.out").open("a")
        command = self.inside(program(name), *arguments)
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def _until(self, done, what: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text()[-2000:] for path in (self.root / "log").glob("*"))
                raise UnavailableError(f"Slurm did not start ({what}):\n{logs}")
            time.sleep(0.1)

    def processes(self) -> list[int]:
        """Process ids of everything in the cluster's network namespace: daemons, jobs, clients."""
        ours = os.readlink(f"/proc/{self.namespace.pid}/ns/net")
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and network_of(entry) == ours]

    def stop(self) -> None:
        """End every process of the cluster, and no other."""
        if self.namespace is None:
            return
        while others := set(self.processes()) - {self.namespace.pid}:
            for process in others:
                kill(process)
            time.sleep(0.1)
        self.namespace.kill()
        for process in (*self.daemons, self.namespace):
            process.wait(10)


def network_of(process: str) -> str | None:
    """The network namespace of a process, None if it has ended."""
    try:
        return os.readlink(f"/proc/{process}/ns/net")
    except OSError:
        return None


def kill(process: int) -> None:
    """End a process that may have ended by itself."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
