"""A PostgreSQL server of the tests' own: real, in memory where that can be, gone with the tests."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

OWNER, PASSWORD = "owner", "open sesame"
_NUMBERS = count()
_QUICK = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=64MB",
    "max_connections=60", "listen_addresses=127.0.0.1",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A running server with one user who may do everything."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str = "books", user: str = OWNER, password: str = PASSWORD) -> str:
        """Return the address of a database over TCP, where passwords are asked for."""
        return f"postgresql://{user}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "books") -> list[Any]:
        """Run a statement as the owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def database(self) -> str:
        """Return the address of a new database."""
        name = f"book_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self) -> None:
        """End it, and everything that it wrote."""
        self.process.send_signal(signal.SIGQUIT)  # at once, whoever is still connected
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def program(name: str) -> str:
    """Return the newest program of that name; without PostgreSQL tests are skipped, but not where all must run."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    if path := found[-1] if found else shutil.which(name):
        return str(path)
    message = "PostgreSQL is not installed; on Debian: apt-get install postgresql"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@cache
def server() -> Server:
    """Return the server of these tests; it starts with the first that asks."""
    initdb, postgres = program("initdb"), program("postgres")
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="tallybook-pg-", dir=shm if os.access(shm, os.W_OK) else None))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        known = {u.pw_name for u in pwd.getpwall()}
        user = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
        os.chown(folder, user.pw_uid, user.pw_gid)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", data, "--no-sync", "-A", "scram-sha-256", "-U", OWNER, f"--pwfile={secret}", "--locale=C.UTF-8"],
        check=True, capture_output=True, cwd=folder, **who,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [word for setting in (*_QUICK, f"unix_socket_directories={folder}") for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [postgres, "-D", data, "-p", str(port), *options], stdout=log, stderr=log, cwd=folder, **who
        )
    started = Server(folder, port, process)
    atexit.register(stop)
    _wait(started)
    started.run("CREATE DATABASE books", "postgres")
    return started


def stop() -> None:
    """End the server, if one was started."""
    if server.cache_info().currsize:
        server().stop()
        server.cache_clear()


def _wait(started: Server) -> None:
    for _ in range(400):
        try:
            started.run("SELECT 1", "postgres")
        except psycopg.OperationalError:
            if started.process.poll() is not None:
                break
            time.sleep(0.025)
        else:
            return
    raise RuntimeError((started.folder / "log").read_text())
