"""JupyterLab on this machine alone, and a Chromium that reports whatever would leave it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1280, 800
HERE = "127.0.0.1"
_STARTS_S = 120
_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--metrics-recording-only",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HERE}",
]
_SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # All cells are there, whether or not they are in sight.
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
}
_WATCH = """
import os, sys

def _heard(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = str(args[1][0])
        if not host.startswith("127.") and host not in ("::1", "localhost"):
            with open(os.environ["LEFT_THE_MACHINE"], "a") as file:
                file.write(f"{sys.argv[:1]} connects to {args[1]}\\n")

sys.addaudithook(_heard)
"""
"""Python that the server and its kernels run first: it writes down who connects elsewhere."""


class Lab:
    """A running JupyterLab: its address, its folder, and who of it left the machine.

    `environment` is that of the server and its kernels.
    """

    def __init__(self, address: str, folder: Path, environment: dict[str, str]) -> None:
        self.address, self.folder, self.environment = address, folder, environment
        self._left = Path(environment["LEFT_THE_MACHINE"])

    @property
    def left_the_machine(self) -> list[str]:
        """The connections of server and kernels to anywhere else."""
        return self._left.read_text().splitlines() if self._left.exists() else []


def browser_path() -> str:
    """Where Chromium is. Raise a FileNotFoundError, for a test that is asked for is not skipped."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise FileNotFoundError(f"--browser needs one of {', '.join(BROWSERS)} on the PATH")
    return found


@contextmanager
def lab(place: Path) -> Iterator[Lab]:
    """JupyterLab in folders of its own below *place*, with a copy of the notebooks and data."""
    folder, environment = place / "work", _environment(place)
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name)
    with socket.socket() as free:
        free.bind((HERE, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.ip={HERE}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    command += ["--IdentityProvider.token=", "--ServerApp.password=", "--LabApp.news_url="]
    command += ["--LabApp.extension_manager=readonly", f"--ServerApp.root_dir={folder}"]
    command += ["--ServerApp.terminals_enabled=False", "--KernelManager.transport=ipc"]
    with (place / "lab.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        address = f"http://{HERE}:{port}"
        _wait(server, f"{address}/api/status", place / "lab.log")
        yield Lab(address, folder, environment)
    finally:
        server.terminate()
        server.wait(30)


def _environment(place: Path) -> dict[str, str]:
    own = {
        f"JUPYTER_{name}_DIR": place / name.lower() for name in ("CONFIG", "DATA", "RUNTIME")
    } | {"JUPYTERLAB_SETTINGS_DIR": place / "settings", "IPYTHONDIR": place / "ipython"}
    for path in own.values():
        path.mkdir(parents=True)
    for name, values in _SETTINGS.items():
        package, plugin = name.split("/")
        file = place / f"settings/@jupyterlab/{package}/{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    off = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (place / "config/labconfig").mkdir()
    (place / "config/labconfig/page_config.json").write_text(json.dumps(off))
    (place / "first").mkdir()
    (place / "first/sitecustomize.py").write_text(_WATCH)
    paths = os.pathsep.join([str(place / "first"), str(ROOT)])
    plain = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return (
        plain
        | {name: str(path) for name, path in own.items()}
        | {
            "PYTHONPATH": paths,
            "LEFT_THE_MACHINE": str(place / "left.txt"),
        }
    )


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _STARTS_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3_000:]}")


@contextmanager
def chromium(playwright: Any, left: list[str]) -> Iterator[Any]:
    """A context of Chromium; what is asked of anywhere else fails, and is in *left*."""
    browser = playwright.chromium.launch(executable_path=browser_path(), args=_FLAGS)
    size = {"width": WIDTH, "height": HEIGHT}
    context = browser.new_context(viewport=size, service_workers="block")

    def heard(address: str) -> None:
        if not is_here(address):
            left.append(address)

    def guarded(route: Any) -> None:
        if is_here(route.request.url):
            route.continue_()
        else:
            route.abort()

    context.route("**/*", guarded)
    context.on("request", lambda request: heard(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: heard(socket.url)))
    try:
        yield context
    finally:
        context.close()
        browser.close()


def is_here(address: str) -> bool:
    """Whether an address is this machine's, or no address of a machine at all."""
    parts = urlsplit(address)
    return parts.scheme in ("data", "blob", "about") or parts.hostname == HERE
