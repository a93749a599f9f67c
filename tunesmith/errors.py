"""The exception tree. What the user did is a TunesmithError; what we did wrong is an assert.

    TunesmithError
    ├── InvalidRequest              400  something in the request is wrong
    │   ├── ContextLengthExceeded   400  prompt and completion do not fit the model
    │   └── InvalidAdapter          400  an adapter's files are broken or do not fit the base
    ├── AuthenticationError         401  no key, or a wrong one
    ├── PermissionDenied            403  the key may not do this
    ├── NotFound                    404  no such object for this project
    │   └── ModelNotFound           404  no such model
    ├── MethodNotAllowed            405
    ├── RequestTimeout              408  the body came too slowly; trying again may help
    ├── Conflict                    409  the object is in another state; trying again may help
    ├── PayloadTooLarge             413
    ├── UnsupportedMediaType        415  the body is of a type or in an encoding that the route does not read
    ├── RangeNotSatisfiable         416  the range asked for lies outside of the content
    ├── RateLimited                 429
    ├── AdapterRefused              500  a tuned model's files cannot be served
    ├── EngineUnavailable           503  the inference engine or a model's base is not there
    ├── NotAdmitting                503  the server is starting or stopping; trying again will help
    ├── StoreBusy                   503  the database is locked or away; trying again will help
    ├── StorageFull                 507  no room on the disk
    ├── CannotStart                 –   why a server does not start; never an HTTP answer
    └── JobFailed                    –   why a job ended as `failed`; never an HTTP answer
        ├── InvalidTrainingFile      –   code invalid_file_format or invalid_n_examples
        ├── TrainingDiverged         –   loss became NaN or infinite
        ├── OutOfMemory              –   the device has no room for the batch
        └── BaseUnavailable          –   the base model's weights cannot be loaded

Each error carries what OpenAI's error object carries: message, type, param, code.
"""

from __future__ import annotations


class TunesmithError(Exception):
    """Something the user can mend. The message is the sentence the user reads."""

    status = 400
    type = "invalid_request_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code if code is not None else type(self).code
        self.headers = headers or {}

    def body(self) -> dict[str, dict[str, str | None]]:
        """OpenAI's error object; all four keys are always there."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class InvalidRequest(TunesmithError):
    """The request cannot be served as it is."""


class ContextLengthExceeded(InvalidRequest):
    """The prompt and the requested completion do not fit into the model's context."""

    code = "context_length_exceeded"


class InvalidAdapter(InvalidRequest):
    """An adapter's files are broken, or they do not fit the base model."""

    code = "invalid_adapter"


class AuthenticationError(TunesmithError):
    """The API key is missing or wrong."""

    status = 401
    code = "invalid_api_key"


class PermissionDenied(TunesmithError):
    """The API key is valid but may not do this."""

    status = 403


class NotFound(TunesmithError):
    """There is no such object in this project."""

    status = 404


class ModelNotFound(NotFound):
    """There is no such model."""

    code = "model_not_found"


class MethodNotAllowed(TunesmithError):
    """The path exists, the method does not."""

    status = 405


class RequestTimeout(TunesmithError):
    """The body came too slowly; on a better connection the same request succeeds."""

    status = 408
    code = "request_timeout"


class Conflict(TunesmithError):
    """The object is in a state in which this cannot be done now; a later try may succeed."""

    status = 409


class PayloadTooLarge(TunesmithError):
    """The body is larger than the route accepts."""

    status = 413


class UnsupportedMediaType(TunesmithError):
    """The body's type or encoding is not one that the route reads."""

    status = 415


class RangeNotSatisfiable(TunesmithError):
    """The range asked for lies outside of the content."""

    status = 416
    code = "invalid_range"


class RateLimited(TunesmithError):
    """Too many requests."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"


class AdapterRefused(TunesmithError):
    """A tuned model's files are damaged or belong to another base; only this model is affected."""

    status = 500
    type = "server_error"
    code = "adapter_corrupt"


class EngineUnavailable(TunesmithError):
    """The model cannot answer now: its engine is starting, down, or its base is not served here."""

    status = 503
    type = "server_error"


class NotAdmitting(TunesmithError):
    """The server takes no requests now: it is starting or stopping."""

    status = 503
    type = "server_error"


class StoreBusy(TunesmithError):
    """The database is busy or away; the same request may succeed in a moment."""

    status = 503
    type = "server_error"
    code = "store_busy"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Retry-After": "1"})


class CannotStart(TunesmithError):
    """The server cannot start on this data folder."""


class StorageFull(TunesmithError):
    """There is no room on the disk."""

    status = 507
    type = "server_error"
    code = "storage_full"


class JobFailed(TunesmithError):
    """A job ends as `failed` with this code, message and param."""

    code = "job_failed"


class InvalidTrainingFile(JobFailed):
    """A training or validation file does not hold what it must."""

    code = "invalid_file_format"


class TrainingDiverged(JobFailed):
    """The loss became NaN or infinite."""

    code = "training_diverged"


class OutOfMemory(JobFailed):
    """The device has no room for the model and the batch."""

    code = "out_of_memory"


class BaseUnavailable(JobFailed):
    """The base model's weights cannot be loaded from where they should be."""

    code = "model_not_available"
