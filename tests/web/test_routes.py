"""What goes around answers: what is kept, who may see what, files, feeds, notes, news, and the page itself."""

import asyncio
import csv
import gzip
import io
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import openpyxl
import pytest
from pyarrow import parquet
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tallybook.book import Book
from tallybook.model.errors import MissingExtraError, StoreLockedError
from tallybook.model.saved import Panel
from tallybook.web import create_app
from tallybook.web.events import told
from tallybook.web.scope import Viewer
from tallybook.web.shapes import Sync
from tests.books import book_at, hold
from tests.clock import FakeClock
from tests.emulator.wire import NOW
from tests.web.conftest import NAMES, filled

WORDS = "metric=cost&by=project&grain=day&last=7d"


class Seeing:
    """Middleware that says who asks, as a guard does."""

    def __init__(self, app: ASGIApp, viewer: Viewer) -> None:
        self.app, self.viewer = app, viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["viewer"] = self.viewer
        await self.app(scope, receive, send)


def seen_by(book: Book, **viewer: Any) -> TestClient:
    return TestClient(create_app(book, middleware=[Middleware(Seeing, viewer=Viewer("them", **viewer))]))


@pytest.fixture(scope="module")
def served(small: Book) -> TestClient:
    return TestClient(create_app(small))


def test_an_answer_is_sent_once_and_again_when_data_or_time_have_moved_on(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    book = filled(book_at(tmp_path / "b.duckdb", clock=clock))
    served = TestClient(create_app(book))
    first = served.get(f"/api/query?{WORDS}")
    mark = {"if-none-match": first.headers["etag"]}
    assert first.headers["cache-control"] == "private, no-cache"
    assert (again := served.get(f"/api/query?{WORDS}", headers=mark)).status_code == 304
    assert (again.content, again.headers["etag"]) == (b"", first.headers["etag"])
    assert served.get(f"/api/query?{WORDS}&top=1", headers=mark).status_code == 200
    hold(book, "costs", "2026-11-21", "2026-11-22", [])
    assert served.get(f"/api/query?{WORDS}", headers=mark).json() != first.json()
    mark = {"if-none-match": served.get(f"/api/query?{WORDS}").headers["etag"]}
    clock.sleep(60)
    assert served.get(f"/api/query?{WORDS}", headers=mark).status_code == 200


def test_what_is_large_is_compressed_for_those_who_take_it(served: TestClient) -> None:
    plain = served.get(f"/api/board?{WORDS}", headers={"accept-encoding": "identity"})
    with served.stream("GET", f"/api/board?{WORDS}", headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 3


def test_a_file_has_the_rows_of_the_book(served: TestClient, small: Book, tmp_path: Path) -> None:
    asked = small.query("cost", by="project", grain="day", last="7d")
    out = io.BytesIO()
    asked.write(out, format="csv")
    found = served.get(f"/api/export.csv?{WORDS}")
    assert found.content == out.getvalue()
    assert found.headers["content-disposition"] == 'attachment; filename="tallybook-cost-project.csv"'
    table = parquet.read_table(io.BytesIO(served.get(f"/api/export.parquet?{WORDS}").content))
    assert table.drop(["status"]).to_pylist() == asked.rows()
    sheet = openpyxl.load_workbook(io.BytesIO(served.get(f"/api/export.xlsx?{WORDS}").content)).worksheets[0]
    assert sheet.max_row == len(asked) + 1


def test_a_feed_is_flat_and_its_numbers_are_numbers(served: TestClient, small: Book) -> None:
    asked = small.query("cost", "requests", by="project", grain="day", last="7d")
    text = served.get("/feeds/spend.json?token=whatever").text
    rows = json.loads(text, parse_float=Decimal)
    assert [(r["project"], r["requests"]) for r in rows] == [(r["project"], r["requests"]) for r in asked.rows()]
    assert [r["cost"] for r in rows if r["cost"] is not None] == [c for c in asked.table["cost"].to_pylist() if c]
    assert {r["time"] for r in rows} == {f"2026-11-{day}T00:00:00Z" for day in range(17, 24)}
    lines = list(csv.DictReader(io.StringIO(served.get("/feeds/spend.csv").text)))
    assert [line["project_id"] for line in lines] == [r["project_id"] for r in rows]


def test_a_viewer_sees_a_part_and_nothing_widens_it(small: Book) -> None:
    part = seen_by(small, where=(("project", ("Website",)),))
    (group,) = part.get(f"/api/query?{WORDS}").json()["groups"]
    assert group["key"] == ["proj_1"]
    (whole,) = part.get("/api/query?metric=cost&last=7d").json()["whole"]["cost"]
    assert Decimal(whole["value"]) == small.query("cost", last="7d", where={"project": "Website"}).rows()[0]["cost"]
    assert part.get(f"/api/query?{WORDS}&where=project=proj_2").json()["groups"] == []
    assert part.get(f"/api/query?{WORDS}&where=project=*").json()["groups"] == [group]
    assert [o["id"] for o in part.get("/api/options?by=project&last=7d").json()["values"]] == ["proj_1"]
    assert "proj_2" not in part.get(f"/api/export.csv?{WORDS}").text
    assert "proj_2" not in part.get("/feeds/spend.csv").text
    for path in ("status", "coverage", "notes"):
        assert part.get(f"/api/{path}").status_code == 403
    assert part.get("/api/board?tab=health").status_code == 400
    for tab in ("overview", "costs", "tokens", "people"):
        board = part.get(f"/api/board?tab={tab}&last=14d")
        assert board.status_code == 200
        assert not any(name in board.text for name in ("proj_2", "proj_3", NAMES["proj_3"], "user-2", "key_3"))


def test_whoever_may_not_see_people_sees_none(small: Book) -> None:
    blind = seen_by(small, people=False)
    for name in ("user", "user_id", "api_key", "key_owner", "service_account_id"):
        assert blind.get(f"/api/query?metric=requests&by={name}").status_code == 403
        assert blind.get(f"/api/query?metric=requests&where={name}=user-1").status_code == 403
        assert blind.get(f"/api/options?by={name}").status_code == 403
        assert blind.get(f"/api/board?by={name}").status_code == 403
    board = blind.get("/api/board?last=14d")
    assert [t["id"] for t in board.json()["tabs"]] == ["overview", "costs", "tokens"]
    assert not {"user", "api_key"} & {c["name"] for c in board.json()["choices"]["by"]}
    assert not re.search(r"user-\d|key_\d", board.text)


def test_what_one_viewer_was_answered_is_not_for_another(small: Book) -> None:
    viewers = [Viewer("a", where=(("project", (p,)),)) for p in ("proj_1", "proj_2")] + [Viewer("c")]
    coming = iter(viewers)

    class Changing(Seeing):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.viewer = next(coming)
            await super().__call__(scope, receive, send)

    served = TestClient(create_app(small, middleware=[Middleware(Changing, viewer=viewers[0])]))
    answers, marks = [], []
    for _ in viewers:
        found = served.get(f"/api/query?{WORDS}")
        answers.append({g["key"][0] for g in found.json()["groups"]})
        marks.append(found.headers["etag"])
    assert answers == [{"proj_1"}, {"proj_2"}, {*NAMES}]
    assert len({*marks}) == 3


def test_an_organization_that_a_viewer_may_not_see_is_refused(small: Book) -> None:
    assert seen_by(small, orgs=("default",)).get("/api/query?metric=cost&org=default").status_code == 200
    other = seen_by(small, orgs=("other",))
    assert other.get("/api/query?metric=cost&org=default").status_code == 403
    assert other.get("/api/query?metric=cost&where=org=default").status_code == 400


def test_notes_are_written_shown_on_the_axis_and_removed(tmp_path: Path) -> None:
    served = TestClient(create_app(filled(book_at(tmp_path / "b.duckdb"))))
    made = served.post("/api/notes", json={"date": "2026-11-15", "text": "loop in batch job"})
    assert made.status_code == 201
    assert served.get("/api/notes").json() == {"notes": [made.json()]}
    assert served.get("/api/board?last=14d").json()["notes"] == [made.json()]
    assert served.get("/api/board?last=3d").json()["notes"] == []
    assert served.delete(f"/api/notes/{made.json()['id']}").status_code == 204
    assert served.get("/api/notes").json() == {"notes": []}
    assert served.delete("/api/notes/nothing").status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"date": "2026-11-15", "text": "x"}', "text/plain", 415),
        (b'{"date": "soon", "text": "x"}', "application/json", 400),
        (b'{"date": "2026-11-15"}', "application/json", 400),
        (b'{"date": "2026-11-15", "text": "x", "more": 1}', "application/json", 400),
        (b'{"date": "2026-11-15", "text": "\\u0000"}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 8_000, "application/json", 400),
        (b'{"text": "' + b"x" * 100_000, "application/json", 413),
    ],
)
def test_a_note_that_is_none_is_refused(served: TestClient, body: bytes, kind: str, status: int) -> None:
    answer = served.post("/api/notes", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert served.get("/api/notes").json() == {"notes": []}


def test_a_page_is_told_whenever_data_is_new_and_otherwise_that_the_line_is_alive(tmp_path: Path) -> None:
    book = filled(book_at(tmp_path / "b.duckdb"))
    running = False
    served = create_app(book, sync=lambda: Sync(running=running)).state.served

    async def heard() -> list[str]:
        nonlocal running
        stream = told(served, look_seconds=0.001, alive_seconds=0.005)
        texts = [await anext(stream) for _ in range(3)]
        hold(book, "costs", "2026-11-21", "2026-11-22", [])
        texts.append(await anext(stream))
        running = True
        texts.append(await anext(stream))
        return texts

    before = book.store.version()
    retry, first, alive, changed, syncing = asyncio.run(heard())
    after = book.store.version()
    assert before != after
    assert (retry, alive) == ("retry: 3000\n\n", ": still here\n\n")
    assert (first, changed) == (f"event: version\ndata: {before}\n\n", f"event: version\ndata: {after}\n\n")
    assert syncing == changed


def test_the_page_brings_its_first_board_and_no_text_of_it_ends_the_script(served: TestClient) -> None:
    page = served.get("/?tab=overview&last=14d")
    (text,) = re.findall(r'<script type="application/json" id="first-board">(.*?)</script>', page.text, re.DOTALL)
    found = json.loads(text)
    assert found["words"] == "tab=overview&last=14d"
    assert found["board"] == served.get("/api/board?tab=overview&last=14d").json()
    assert NAMES["proj_2"] in json.dumps(found["board"], ensure_ascii=False).replace('\\"', '"')
    assert "first-board" not in served.get("/?metric=nonsense").text


def test_files_of_the_page_are_kept_for_ever_as_their_names_change_with_them(served: TestClient) -> None:
    names = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', served.get("/").text)
    assert names
    for name in names:
        found = served.get(f"/{name}")
        assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)


def test_a_book_that_another_process_holds_is_said_to_be_in_use(small: Book) -> None:
    def locked(*_: Any, **__: Any) -> None:
        raise StoreLockedError("The book is held by process 1. Wait until it is done, or stop it, and try again.")

    app = create_app(small)
    app.state.served.book.store.read = locked
    answer = TestClient(app).get("/api/query?metric=cost")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "held by process 1" in answer.json()["detail"]


def test_without_its_libraries_the_dashboard_says_what_to_install(small: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tallybook\[dashboard\]'"):
        create_app(small)


def test_a_book_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    book = filled(book_at(tmp_path / "b.duckdb"))
    with duckdb.connect(tmp_path / "b.duckdb") as connection:
        connection.execute("INSERT INTO internal.migrations VALUES (9999, 'later', now()::TIMESTAMP)")
    served = TestClient(create_app(book))
    assert "pip install -U tallybook" in served.get("/api/board").json()["empty"]["text"]
    assert served.get("/api/query?metric=cost").status_code == 409


def test_a_panel_of_the_settings_that_makes_no_sense_leaves_the_others(tmp_path: Path) -> None:
    book = filled(book_at(tmp_path / "b.duckdb"))
    panels = tuple(
        Panel(title=t, metric=m) for t, m in (("Wrong", "cots"), ("Right", "cost"), ("No", "cost + requests"))
    )
    book.settings = msgspec.structs.replace(book.settings, panel=panels)
    found = TestClient(create_app(book)).get("/api/board?last=14d").json()["panels"][-3:]
    assert [(p["title"], p["problem"] and p["problem"]["status"]) for p in found] == [
        ("Wrong", 400), ("Right", None), ("No", 400)
    ]  # fmt: skip
    assert found[0]["problem"]["nearest"] == ["cost"]


_COLD = """
import sys
from pathlib import Path
from tests.books import book_at
from tallybook.web import create_app
from starlette.testclient import TestClient
served = TestClient(create_app(book_at(Path(sys.argv[1]))))
for words in ("tab=overview", "tab=tokens&by=project", "tab=costs"):
    assert served.get("/api/board?" + words).status_code == 200
assert served.get("/api/table?metric=cost&by=project&sort=cost").status_code == 200
print(sorted({"pandas", "matplotlib", "rich", "polars"} & set(sys.modules)))
"""


def test_no_answer_waits_for_libraries_that_it_does_not_need(small: Book) -> None:
    ended = subprocess.run([sys.executable, "-c", _COLD, small.store.url], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
