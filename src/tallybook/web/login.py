"""The way in for people: a form that takes a token and gives a session, and a link that works once."""

from __future__ import annotations

import hmac
from html import escape
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive

from tallybook.book.tokens import digest
from tallybook.model.errors import StoreError
from tallybook.web.access import Access, Caller
from tallybook.web.doors import Doors
from tallybook.web.sessions import Monotonic, Sessions, Tries

PATH, STYLE = "/login", "/login.css"
CODE_SECONDS = 3600.0
"""How long the link that works once waits for its user."""
_LONGEST = 4096
_NO_STORE = {"Cache-Control": "no-store"}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>tallybook: log in</title>
<link rel="stylesheet" href="{root}/login.css">
</head>
<body>
<main>
<h1>tallybook</h1>
<form method="post" action="{root}/login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus{described}>
<input name="next" type="hidden" value="{next}">
{problem}<button>Log in</button>
</form>
<p>Whoever started this page has its token; <code>tallybook token add NAME</code> makes more.</p>
</main>
</body>
</html>
"""
_PROBLEM = '<p id="problem" role="alert">{text}</p>\n'
_AGAIN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tallybook</title><meta http-equiv="refresh" content="0{to}"></head>
<body></body></html>
"""
_CSS = """:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: Canvas; color: CanvasText; display: grid; min-height: 100vh; place-items: center; }
main { width: min(22rem, calc(100vw - 3rem)); }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
form { display: grid; gap: .5rem; }
input, button { font: inherit; padding: .5rem .75rem; border: 1px solid GrayText; border-radius: .375rem; }
button { cursor: pointer; margin-top: .5rem; }
p { font-size: .875rem; }
[role="alert"] { margin: 0; color: light-dark(#b3261e, #f2b8b5); }
"""


class Login:
    """The form, the link that works once, and the sessions that they give."""

    def __init__(self, access: Access, doors: Doors, monotonic: Monotonic) -> None:
        self._access, self._doors, self._monotonic = access, doors, monotonic
        self._sessions, self._tries = Sessions(monotonic), Tries(monotonic)
        self._code, self._code_until = access.code, monotonic() + CODE_SECONDS

    async def answer(self, caller: Caller, receive: Receive) -> Response | None:
        """Answer what is asked of the way in; None where it is something else."""
        if self._access.owner is None or caller.path not in (PATH, STYLE):
            return None
        if caller.path == STYLE:
            return Response(_CSS, media_type="text/css")
        if caller.method == "POST":
            return await self._enter(caller, receive)
        if (code := caller.word("code")) is not None:
            return self._redeem(caller, code)
        return self._form(caller.word("next") or "")

    def address(self, caller: Caller) -> str:
        """Return where somebody logs in to come back to what was asked for."""
        query = caller.without_secrets()
        wanted = caller.path + (f"?{query}" if query else "")
        return f"{self._access.root_path}{PATH}" + ("" if wanted == "/" else f"?next={quote(wanted, safe='')}")

    def token(self, caller: Caller) -> str | None:
        """Return the hash of the token behind the session of a request."""
        held = cookie_parser(caller.headers.get("cookie", "")).get(_name(caller))
        return self._sessions.token(held) if held else None

    def _form(self, wanted: str, problem: str = "", status: int = 200, more: dict[str, str] | None = None) -> Response:
        text = _PAGE.format(
            root=escape(self._access.root_path),
            next=escape(_safe(wanted)),
            problem=_PROBLEM.format(text=escape(problem)) if problem else "",
            described=' aria-describedby="problem" aria-invalid="true"' if problem else "",
        )
        return HTMLResponse(text, status, _NO_STORE | (more or {}))

    async def _enter(self, caller: Caller, receive: Receive) -> Response:
        fields = await _fields(receive)
        wanted, peer = fields.get("next", ""), caller.source
        if wait := self._tries.wait(peer):
            text = f"Too many wrong tokens came from your address. Try again in {wait} s."
            return self._form(wanted, text, 429, {"Retry-After": str(wait)})
        token_hash = digest(fields.get("token", "").strip())
        try:
            found = await run_in_threadpool(self._doors.pass_of, token_hash)
        except StoreError as exc:
            return self._form(wanted, str(exc), 503, {"Retry-After": "1"})
        if found is None or found.feed is not None:
            self._tries.wrong(peer)
            return self._form(wanted, "That token opens nothing here. It may have expired or been revoked.", 401)
        answer = RedirectResponse(self._access.root_path + _safe(wanted), 303, _NO_STORE)
        return self._begun(caller, token_hash, answer)

    def _redeem(self, caller: Caller, code: str) -> Response:
        good = self._code if self._monotonic() < self._code_until else None
        if good is None or self._access.owner is None or not hmac.compare_digest(digest(code), good):
            return self._form("", "That link works once, and has been used or is too old. Log in with a token.", 401)
        self._code = None
        return self._begun(caller, self._access.owner, again(f"{self._access.root_path}/"))

    def _begun(self, caller: Caller, token_hash: str, answer: Response) -> Response:
        answer.set_cookie(
            _name(caller),
            self._sessions.begin(token_hash),
            path=self._access.root_path or "/",
            secure=caller.is_https,
            httponly=True,
            samesite="strict",
        )
        return answer


def again(to: str = "") -> Response:
    """Return a page that loads itself, or `to`, once more: then the request comes from here, and brings the cookie."""
    return HTMLResponse(_AGAIN.format(to=f"; url={escape(to)}" if to else ""), headers=_NO_STORE)


def _name(caller: Caller) -> str:
    """Return the name of the cookie: those of one machine go to all of its ports."""
    return f"tallybook_{(caller.scope.get('server') or ('', 0))[1]}"


def _safe(wanted: str) -> str:
    """Return where to go after logging in, if that is a place of this page."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_own else "/"


async def _fields(receive: Receive) -> dict[str, str]:
    """Return the fields of a form; none of one that is too long."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > _LONGEST:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace")))
