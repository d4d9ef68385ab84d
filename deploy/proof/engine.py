"""The engines with which prove-container builds and runs the image: Docker, Podman, or neither.

Owns how each is called, and a root file system in place of the official Python image where no registry can be reached.
Knows nothing about what is proved. Standard library only.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE_NAME = "docker.io/library/python:3.13-slim-trixie"
SUITE = "trixie"
# runc wants its limits within those of this process, which is itself a container's perhaps.
_LIMITS = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=4096:4096"]


class Failed(Exception):
    """A proof or a preparation did not succeed; the text says what was found."""


class Engine:
    """One way to build and run.

    Args:
        kind: `docker`, `podman`, or `none`: Buildah and Podman without daemon, image registry and init system, with
            images in a folder of their own that is removed at the end. Needs root.
        base: Folder of the root file system that stands for the official image with `none`; made when it is missing.
            Empty: a temporary one.
    """

    def __init__(self, kind: str, base: str = "") -> None:
        self.kind = kind
        self._folder = Path(tempfile.mkdtemp(prefix="mqtt-mcp-engine-"))
        self._base = Path(base).resolve() if base else self._folder / "base"
        self._store: list[str] = []
        if kind == "none":
            self._store = [
                "--storage-driver",
                "vfs",
                "--root",
                f"{self._folder}/images",
                "--runroot",
                f"{self._folder}/run",
            ]
        needed = {"docker": ["docker"], "podman": ["podman"], "none": ["buildah", "podman", "runc", "debootstrap"]}[
            kind
        ]
        missing = [
            tool for tool in needed if shutil.which(tool, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin") is None
        ]
        if missing:
            raise Failed(f"not installed: {' '.join(missing)}")

    @property
    def command(self) -> list[str]:
        """What stands before a subcommand."""
        return {"docker": ["docker"], "podman": ["podman"]}.get(
            self.kind, ["podman", *self._store, "--runtime", "runc"]
        )

    def run_options(self) -> list[str]:
        """What this engine wants at each `run`."""
        # Podman's health checks are timers of systemd, which is not there.
        return [*_LIMITS, "--no-healthcheck"] if self.kind == "none" else []

    def read_only_options(self) -> list[str]:
        """A read-only root and nothing writable but /tmp; Podman would add writable folders of its own."""
        own = [] if self.kind == "docker" else ["--read-only-tmpfs=false"]
        return ["--read-only", *own, "--tmpfs", "/tmp:rw,noexec,nosuid,nodev,mode=1777"]

    def build(self, tag: str) -> str:
        """Build the image, and return what the base was."""
        base = BASE_NAME
        if self.kind == "none":
            base = self._import_base()
            how = ["buildah", *self._store, "bud", "--isolation", "chroot", "--format", "docker", *_LIMITS]
        else:
            # Only this format of Podman's keeps the health check.
            how = [*self.command, "build", *(["--format", "docker"] if self.kind == "podman" else [])]
        self._call([*how, "--tag", tag, str(ROOT)], 1800)
        return base

    def inspect(self, kind: str, name: str) -> Any:
        """What the engine tells of an image or a container."""
        return json.loads(self.text(kind, "inspect", name))[0]

    def text(self, *arguments: str, timeout_s: float = 60, status: int | None = 0) -> str:
        """Run a subcommand and return what it printed on either stream.

        Raises:
            Failed: It ended with another status than `status` (None: any), or not in time.
        """
        return self._call([*self.command, *arguments], timeout_s, status)

    def remove(self, containers: list[str], tag: str) -> None:
        """Leave nothing behind."""
        for name in containers:
            self.text("rm", "-f", name, status=None)
        self.text("rmi", "-f", tag, status=None)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _import_base(self) -> str:
        """A Debian with the same Python and, as in the official image, no bytecode of its library."""
        if not (self._base / "etc").is_dir():
            self._call(["debootstrap", "--variant=minbase", "--include=ca-certificates,python3,python3-venv", SUITE,
                        str(self._base)], 1800)  # fmt: skip
            for caches in ("var/cache/apt/archives", "var/lib/apt/lists"):
                shutil.rmtree(self._base / caches)
            for folder in list((self._base / "usr/lib").rglob("__pycache__")):
                shutil.rmtree(folder)
        # The build fetches packages, perhaps through a proxy whose authority only this machine knows.
        authorities = Path("etc/ssl/certs/ca-certificates.crt")
        shutil.copyfile(Path("/") / authorities, self._base / authorities)
        with subprocess.Popen(["tar", "-C", str(self._base), "-c", "."], stdout=subprocess.PIPE) as tar:
            done = subprocess.run([*self.command, "import", "--quiet", "-", BASE_NAME], stdin=tar.stdout, timeout=600,
                                  capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode:
            raise Failed(f"the base cannot be imported: {done.stderr.strip()[-300:]}")
        return f"Debian {SUITE} by debootstrap as {BASE_NAME}"

    @staticmethod
    def _call(command: list[str], timeout_s: float, status: int | None = 0) -> str:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout_s, check=False, text=True, errors="replace")  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(command[:2])} … did not end within {timeout_s:g} s") from None
        if status is not None and done.returncode != status:
            raise Failed(f"{' '.join(command)} ended with status {done.returncode}: {done.stdout.strip()[-1500:]}")
        return done.stdout
