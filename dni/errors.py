"""Every refusal there is. One base, one tree; each has a code, an HTTP status and says why.

    DniError
    ├── BadBody 400            the body cannot be read at all (not JSON, not UTF-8)
    ├── InvalidField 422       one or more named fields are wrong; each with a path and what would be right
    ├── BodyTooLarge 413
    ├── NotSignedIn 401        no or unknown credentials
    ├── Forbidden 403          known, but not allowed (role, origin, signature: `code` tells which)
    ├── NotFound 404
    ├── MethodNotAllowed 405
    ├── NotAcceptable 406
    ├── Conflict 409           the request is right, the state is not (`number_taken`, `pool_owned`, …)
    ├── TooManyTries 429       wait `retry_after_s`, then try again
    ├── Unavailable 503        a part is away; `retry_after_s` says when to come back
    └── UsageError             command line and configuration files; never leaves the terminal

`code` is the one reason code of the refusal: in the body, in the header DNI-Reason, in the metrics.
"""

from typing import Any

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """Which field (JSON Pointer) and what would be right."""

    path: str
    message: str


class DniError(Exception):
    status = 500
    code = "internal"
    title = "Something is wrong on our side"

    def __init__(self, detail: str, *, code: str | None = None, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.errors = errors

    def problem(self) -> dict[str, Any]:
        """The one error shape: RFC 9457 problem details, plus `code` and `errors`."""
        return {
            "type": f"urn:dni:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "errors": [{"path": e.path, "message": e.message} for e in self.errors],
        }


class BadBody(DniError):
    status, code, title = 400, "invalid_body", "The body cannot be read"


class InvalidField(DniError):
    status, code, title = 422, "invalid_field", "A field is not right"

    def __init__(self, path: str, message: str, *more: FieldError, code: str | None = None) -> None:
        errors = (FieldError(path, message), *more)
        super().__init__("; ".join(f"{e.path or '/'}: {e.message}" for e in errors), code=code, errors=errors)


class BodyTooLarge(DniError):
    status, code, title = 413, "body_too_large", "The body is too large"


class NotSignedIn(DniError):
    status, code, title = 401, "not_signed_in", "Sign in first"


class Forbidden(DniError):
    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(DniError):
    status, code, title = 404, "not_found", "There is no such thing"


class MethodNotAllowed(DniError):
    status, code, title = 405, "method_not_allowed", "This address does not answer that method"

    def __init__(self, allowed: str) -> None:
        """`allowed`: the methods that are answered, as the header Allow lists them: `GET, HEAD`."""
        super().__init__(f"this address answers {allowed}")
        self.allowed = allowed


class NotAcceptable(DniError):
    status, code, title = 406, "not_acceptable", "No such form of the answer"


class Conflict(DniError):
    status, code, title = 409, "conflict", "It does not fit what is there"


class TooManyTries(DniError):
    status, code, title = 429, "too_many_tries", "Too many tries"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(DniError):
    status, code, title = 503, "unavailable", "A part is away for the moment"

    def __init__(self, detail: str, *, code: str | None = None, retry_after_s: int = 5) -> None:
        super().__init__(detail, code=code)
        self.retry_after_s = retry_after_s


class UsageError(DniError):
    status, code, title = 400, "usage", "That cannot be done"


class BadArgument(UsageError):
    """An option of the command line is wrong; the exit status is 2."""

    code = "bad_argument"
