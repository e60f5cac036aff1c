"""Every error that this application answers, and how it is rendered (RFC 9457).

An ``AppError`` carries a status, a stable ``code`` and words that are safe to show. The messages of
databases and libraries stay in ``__cause__``, for the log, and never reach an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar, Self
from urllib.parse import quote

PROBLEM_MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100
"""The most ``errors`` that one answer lists; a small body can have many more mistakes."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one part of the input.

    ``path`` leads from the root of the input to the part: ``("authors", 0)``; empty for the whole.
    """

    path: tuple[str | int, ...]
    code: str
    detail: str

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer (RFC 6901)."""
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.path)


class AppError(Exception):
    """A refusal with a status, a stable code and safe words."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    remedy: ClassVar[str] = (
        "Try once more. When it comes again, give whoever looks after the server the request_id."
    )
    """What the caller can do about it."""

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors[:MAX_ERRORS])
        self.headers = dict(headers or {})

    @classmethod
    def about(cls, path: Sequence[str | int], code: str, detail: str) -> Self:
        """The refusal of one part of the input, in the words on that part."""
        return cls(detail, errors=[FieldError(tuple(path), code, detail)])

    def members(self) -> Mapping[str, Any]:
        """Further members of the problem document, by kind of error (RFC 9457 §3.2)."""
        return {}

    def within(self, *path: str | int) -> AppError:
        """The same refusal, of input that stands at ``path`` in a larger one."""
        self.errors = tuple(replace(each, path=(*path, *each.path)) for each in self.errors)
        return self


class BadRequestError(AppError):
    """The request itself cannot be understood: syntax, unknown parameter, impossible filter."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad_request"
    title = "The request cannot be understood"
    remedy = (
        "Mend what errors points at, or what detail says. Sending the same again changes nothing."
    )


class UnauthenticatedError(AppError):
    """Nobody is signed in, or the token is not (or no longer) good."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"
    title = "Sign in first"
    remedy = "Send Authorization: Bearer with a token that is neither expired nor revoked."

    def __init__(self, detail: str = "A valid API token is needed.") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(AppError):
    """The actor is known and may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = "Not allowed"
    remedy = "Ask an administrator for the grant, or for a token with that scope."


class ConfirmationRequiredError(ForbiddenError):
    """Allowed, once the person has proved again to be there."""

    code = "confirmation_required"
    title = "Confirm that it is you"
    remedy = "Confirm with the password in the panel, and do it again."


class NotFoundError(AppError):
    """Absent, or outside what the actor may see: the two answers are the same on purpose."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    title = "Nothing here"
    remedy = "Check the address and the key. What is there may be out of your sight."


class MethodNotAllowedError(AppError):
    """The path exists and does not take this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"
    title = "This method is not allowed here"
    remedy = "Use one of the methods that the Allow header names."


class NotAcceptableError(AppError):
    """None of the media types that ``Accept`` asks for can be answered here."""

    status = HTTPStatus.NOT_ACCEPTABLE
    code = "not_acceptable"
    title = "This cannot be answered in such a form"
    remedy = "Ask for one of the media types that detail names, or send no Accept."


class RequestTimeoutError(AppError):
    """The rest of the body did not come in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "request_timeout"
    title = "The request did not arrive in time"
    remedy = "Send the request again, whole."


class ConflictError(AppError):
    """The write clashes with what is stored."""

    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = "The write clashes with what is stored"
    remedy = "Read what is stored, and decide anew."


class UniqueConflictError(ConflictError):
    """Another record already has this value."""

    code = "unique_violation"
    title = "Another record already has this value"
    remedy = (
        "Choose another value for the fields that errors names, or change the record that has it."
    )


class InUseError(ConflictError):
    """Other records point here, so it cannot go."""

    code = "in_use"
    title = "Other records depend on this one"
    remedy = "Change or delete the records that errors counts first."


class TooManyAffectedError(ConflictError):
    """A write by filter finds more records than ``max-affected`` allows, and does nothing."""

    code = "too_many_affected"
    title = "More records match than may be written to"
    remedy = "Narrow the filter, or allow more with Prefer: max-affected."


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a record, or a field of it, cannot be put back.

    Of a set, the values are the keys that would come back or leave.
    """

    resource: str
    key: str
    title: str
    code: str
    detail: str
    field: str | None = None
    was: Any = None
    """The value that it would be given back."""
    left: Any = None
    """The value that the change to be undone gave it."""
    now: Any = None


class RevertConflictError(ConflictError):
    """What a change left has been changed since, or cannot be known: nothing is put back."""

    code = "revert_conflict"
    title = "Some of it has changed since"
    remedy = (
        "Look at conflicts, which has the values of each; with skip_conflicts the rest is undone."
    )

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        several = f"{len(conflicts):,} parts of it cannot be put back. Nothing has been done."
        super().__init__(
            several if len(conflicts) > 1 else "It cannot be put back. Nothing has been done.",
            errors=[
                FieldError(
                    (each.resource, each.key, *([each.field] if each.field else ())),
                    each.code,
                    each.detail,
                )
                for each in conflicts[:MAX_ERRORS]
            ],
        )
        self.conflicts = tuple(conflicts)

    def members(self) -> Mapping[str, Any]:
        """The first of the conflicts, each with its values."""
        return {"conflicts": [asdict(each) for each in self.conflicts[:MAX_ERRORS]]}


class RevertTooLargeError(ConflictError):
    """What is to be undone, or gone back through, is more than one transaction holds."""

    code = "revert_too_large"
    title = "This is too much to be undone at once"
    remedy = "Undo its records one by one, or import what there was before."


class RevertStoppedError(ConflictError):
    """Undoing a large change set, a part at a time, stopped before its end."""

    code = "revert_stopped"
    title = "Only a part of it has been undone"
    remedy = (
        "Send the same again to go on; with skip_conflicts past what conflicts names."
        " change_set is what has been undone."
    )

    def __init__(self, error: AppError, change_set: str, changes: int) -> None:
        super().__init__(f"It stopped after {changes:,} changes. {error.detail}")
        self.reason = error.detail
        self.change_set = change_set
        self.changes = changes
        self.conflicts = error.conflicts if isinstance(error, RevertConflictError) else ()

    def members(self) -> Mapping[str, Any]:
        """What has been undone, and what stands in the way."""
        told = [asdict(each) for each in self.conflicts[:MAX_ERRORS]]
        return {"change_set": self.change_set, "changes": self.changes, "conflicts": told}


class ImportStoppedError(ConflictError):
    """Taking in a file, some hundred rows at a time, stopped before its end."""

    code = "import_stopped"
    title = "Only a part of the file has been taken in"
    remedy = (
        "Send the same again to go on, with the same Idempotency-Key or with match."
        " change_set is what has been taken in, and can be undone."
    )

    def __init__(self, error: AppError, change_set: str, counts: Mapping[str, int]) -> None:
        taken = sum(counts.values())
        super().__init__(f"It stopped after {taken:,} rows. {error.detail}", headers=error.headers)
        self.change_set = change_set
        self.counts = counts

    def members(self) -> Mapping[str, Any]:
        """What has become of the rows until then."""
        return {"change_set": self.change_set, **self.counts}


class IdempotencyInFlightError(ConflictError):
    """The first request with this ``Idempotency-Key`` is still being worked on."""

    code = "idempotency_in_flight"
    title = "The first request with this key is not done yet"
    remedy = "Send the same again after as many seconds as Retry-After says."

    def __init__(self) -> None:
        detail = "The first request with this Idempotency-Key is still being worked on."
        super().__init__(detail, headers={"Retry-After": "1"})


class StaleVersionError(AppError):
    """The record has changed since the caller read it."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "version_mismatch"
    title = "The record has changed since it was read"
    remedy = "Read the record again, put your change on top of it, and send its new ETag."


class AlreadyThereError(AppError):
    """``If-None-Match: *`` asked for a record that is new, and there is one."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "already_there"
    title = "There is such a record already"
    remedy = "Read the record that is there, or leave If-None-Match out to replace it."


class PreconditionRequiredError(AppError):
    """The resource is written with ``If-Match`` only, and none was sent."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "precondition_required"
    title = "Say which version is meant"
    remedy = "Read the record, and send its ETag as If-Match."


class ContentTooLargeError(AppError):
    """The body is larger than is taken here."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "content_too_large"
    title = "The body is too large"
    remedy = "Send less at once."


class UnsupportedMediaTypeError(AppError):
    """The body is of a type this route does not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"
    title = "This media type is not read here"
    remedy = "Send the media type that detail names, with its Content-Type."


class InvalidInputError(AppError):
    """Well-formed input whose values break a rule; ``errors`` names every field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "validation_failed"
    title = "Some values are not valid"
    remedy = "Mend the value at each pointer of errors."


class ReasonRequiredError(InvalidInputError):
    """Records of this kind are not changed without saying why."""

    code = "reason_required"
    title = "Say why"
    remedy = "Send the reason as Change-Reason, or give it in the form."


class IdempotencyKeyReusedError(InvalidInputError):
    """This ``Idempotency-Key`` was sent with another request."""

    code = "idempotency_key_reused"
    title = "This key belongs to another request"
    remedy = "Make a new key for each request, and send it again only to repeat that request."


class TooManyRequestsError(AppError):
    """Too many attempts; ``Retry-After`` says when to come back, in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"
    title = "Too many attempts"
    remedy = "Wait for as many seconds as Retry-After says."

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class BusyError(AppError):
    """The database cannot take this now; the same request may succeed later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "busy"
    title = "The database is busy"
    remedy = "Send the same again after as many seconds as Retry-After says."

    def __init__(self, detail: str = "The database is busy. Try again in a moment.") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class TooSlowError(BusyError):
    """A statement took longer than the caller's may: to ask for the same again would not help."""

    code = "too_slow"
    title = "This takes the database too long"
    remedy = (
        "Ask for less at once: a narrower filter, a smaller limit, fewer includes, no count. Where "
        "it is asked often, an index helps: admin-app db advise names it."
    )

    def __init__(self, seconds: float) -> None:
        AppError.__init__(
            self,
            f"The database was stopped after {seconds:g} s. Narrow the filter, sort by something "
            "that has an index, ask for no count, for fewer includes or for a smaller limit.",
        )


class ReadOnlyError(BusyError):
    """Records are not changed at the moment, by the will of whoever runs this."""

    code = "read_only"
    title = "Nothing can be changed at the moment"
    remedy = "Read on. Send the same again when the notice is gone."

    def __init__(self) -> None:
        AppError.__init__(
            self,
            "This installation is in read-only mode: everything can be read and nothing changed.",
            headers={"Retry-After": "60"},
        )


class SetupError(Exception):
    """The application cannot start as it is set up; the message says what to mend."""


def problem(
    error: AppError, *, request_id: str, instance: str, root_path: str = ""
) -> dict[str, Any]:
    """Render the body of an ``application/problem+json`` answer (RFC 9457).

    ``instance`` is the path of the request as it was read: without percent encoding; ``root_path``
    is where the application begins, below which its type is told of.
    """
    document: dict[str, Any] = {
        "type": f"{quote(root_path)}/errors/{error.code}",
        "title": error.title,
        "status": int(error.status),
        "detail": error.detail,
        "instance": quote(instance, safe="/~,:@!$&'()*+;=", errors="replace"),
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        document["errors"] = [
            {"pointer": each.pointer, "code": each.code, "detail": each.detail}
            for each in error.errors
        ]
    return {**document, **error.members()}


def error_classes() -> list[type[AppError]]:
    """Every kind of refusal there is, by status then code."""

    def family(cls: type[AppError]) -> list[type[AppError]]:
        return [cls, *(each for child in cls.__subclasses__() for each in family(child))]

    return sorted(family(AppError), key=lambda cls: (int(cls.status), cls.code))
