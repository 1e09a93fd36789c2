"""The process around the company: routes, log, ports, command line."""

import socket
import subprocess
import sys
import threading
import urllib.request

import pytest
import requests
from click.testing import CliRunner
from starlette.routing import Route

from tallybook.cli.emulator import emulator
from tallybook.emulator import QUIRKS, Company, create_app, running, serve
from tallybook.model.errors import MissingExtraError, UsageError
from tests.emulator.wire import DAY, MIDNIGHT, organization


def test_there_are_only_get_routes() -> None:
    routes = create_app(Company(days=1)).routes
    assert len(routes) > 20
    assert all(isinstance(route, Route) and route.methods == {"GET", "HEAD"} for route in routes)


def test_writing_is_refused() -> None:
    with organization(days=1) as org:
        assert requests.post(f"{org.base}/organization/projects", timeout=5).status_code == 405


def test_the_log_has_every_request_line_with_its_status_but_no_key() -> None:
    with organization(days=9) as org:
        org.get("/usage/completions", {"start_time": MIDNIGHT - DAY, "group_by[]": "model"})
        org.get("/usage/completions")
        log = org.control("/_requests")
        query = f"start_time={MIDNIGHT - DAY}&group_by%5B%5D=model"
        path = "/v1/organization/usage/completions"
        assert log == {
            "count": 2,
            "statuses": {"200": 1, "400": 1},
            "faults": {},
            "requests": [
                {"method": "GET", "path": path, "query": query, "status": 200},
                {"method": "GET", "path": path, "query": "", "status": 400},
            ],
        }


def test_running_leaves_no_thread_and_no_port_behind() -> None:
    before = threading.active_count()
    with running(create_app(Company(days=1))) as base:
        port = int(base.split(":")[2].removesuffix("/v1"))
        assert base == f"http://127.0.0.1:{port}/v1"
        assert requests.get(f"http://127.0.0.1:{port}/_requests", timeout=5).status_code == 200
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/_requests", timeout=5)


def test_a_busy_port_is_one_line_of_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(UsageError, match=r"^Cannot listen on 127\.0\.0\.1:\d+: .*--port"):
            serve(Company(days=1), port)


@pytest.mark.parametrize(
    ("quirk", "text"),
    [
        ("fault", "Did you mean `faults`?"),
        ("html=3", "takes no number"),
        ("faults=0", "from 1 up"),
        ("faults=x", "from 1 up"),
    ],
)
def test_a_wrong_quirk_is_refused_with_advice(quirk: str, text: str) -> None:
    with pytest.raises(UsageError, match="quirk") as refused:
        create_app(Company(days=1), [quirk])
    assert text in str(refused.value)


def test_the_command_line_lists_the_quirks() -> None:
    listed = CliRunner().invoke(emulator, ["--quirk", "list"]).output
    lines = listed.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(QUIRKS)
    assert max(map(len, lines)) <= 80


def test_the_command_line_names_the_extra_when_starlette_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {f"tallybook.emulator.{name}" for name in ("app", "faults", "pages", "quirks", "server")}
    for name in [name for name in sys.modules if name.startswith("starlette") or name in ours]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = CliRunner().invoke(emulator, ["--port", "0"])
    assert isinstance(result.exception, MissingExtraError)
    assert "tallybook[demo]" in str(result.exception)


def test_importing_the_emulator_loads_no_web_framework() -> None:
    code = "import sys, tallybook.emulator, tallybook.cli.emulator; print({'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_command_prints_where_it_serves_and_what_to_type() -> None:
    code = "from tallybook.cli.emulator import emulator; emulator()"
    command = [sys.executable, "-W", "error", "-c", code, "--port", "0", "--days", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        try:
            url = lines[2].split("=")[1].strip()
            assert lines[3].strip() == "export OPENAI_ADMIN_KEY=sk-admin-demo"
            request = urllib.request.Request(
                f"{url}/organization/projects", headers={"Authorization": "Bearer sk-admin-demo"}
            )
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
        assert process.communicate(timeout=10)[1] == ""
