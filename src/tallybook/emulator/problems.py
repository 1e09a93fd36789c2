"""The API's refusals: status and body, spelled as the real API spells them where that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MISSING_SCOPE = (
    "You have insufficient permissions for this operation. Missing scopes: {scope}. "
    "Check that you have the correct role in your organization, and if you're using a restricted API key, "
    "that it has the necessary scopes."
)


class Problem(Exception):  # noqa: N818  - an answer of the server, not an error of the program
    """Ends the handling of a request with `status` and `{"error": error}`."""

    def __init__(self, status: int, error: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, error)
        self.status = status
        self.body = {"error": error}
        self.headers = headers


def error(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, str | None]:
    """Return the standard error object."""
    return {"message": message, "type": kind, "param": param, "code": code}


def refused(message: str, param: str | None = None, code: str = "invalid_request_error") -> Problem:
    """Return a 400 in the standard shape."""
    return Problem(400, error(message, param=param, code=code))


def unsupported(param: str, value: str, supported: Iterable[str]) -> Problem:
    """Return the refusal of a value that is not on the list."""
    listed = ", ".join(f"'{known}'" for known in supported)
    return refused(f"Invalid value: '{value}'. Supported values are: {listed}.", param, "invalid_value")


def denied(scope: str) -> Problem:
    """Return the refusal of a key that lacks a scope."""
    return Problem(403, error(MISSING_SCOPE.format(scope=scope)))


def denied_barely(scope: str) -> Problem:
    """Return the same as a bare string where an object belongs."""
    return Problem(403, MISSING_SCOPE.format(scope=scope))


def denied_as_unknown(scope: str) -> Problem:
    """Return the same with the status of a key that is not known at all."""
    return Problem(401, error(MISSING_SCOPE.format(scope=scope)))


def not_found(message: str) -> Problem:
    """Return a 404 in the standard shape."""
    return Problem(404, error(message))


def invalid_token() -> Problem:
    """Return the refusal of a cursor that is unknown, expired or of another query."""
    body = {
        "message": "The page token is invalid, have you modified the query parameters?",
        "type": "invalid_request_error",
        "code": "invalid_request_error",
    }
    return Problem(400, body)


def too_old(day: str) -> Problem:
    """Return the refusal of a start before the reach of the API."""
    message = f"Usage and cost data are available for the past year. Earliest supported start date: {day} (UTC)."
    return Problem(400, {"code": "reporting_lookback_exceeded", "type": "invalid_request_error", "message": message})


def authorize(header: str | None, scope: str, lacking: Callable[[str], Problem] = denied) -> None:
    """Accept `sk-admin-…`; refuse project keys, other keys and keys whose name says they lack `scope`."""
    key = (header or "").removeprefix("Bearer ").strip()
    if key.startswith("sk-proj-"):
        # The real API answers project keys with a bare string where an object belongs.
        raise denied_barely(scope)
    if not key.startswith("sk-admin-"):
        shown = f"{key[:3]}***" if key else "nothing"
        message = f"Incorrect API key provided: {shown}. You need an admin key for this endpoint."
        raise Problem(401, error(message, code="invalid_api_key"))
    if f"no-{scope.split('.')[1]}" in key:
        raise lacking(scope)
