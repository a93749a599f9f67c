"""How much a project may ask: requests and tokens a minute for each model, and tokens a month.

A route that generates calls `admit` once its prompt is counted and before the engine is asked. What it asks
for at most is set aside; what it really took is settled when the answer has ended (the envelope does that,
and adds the headers). Everything is in memory, on the event loop, without a wait between looking and taking:
of requests that come at once, exactly as many pass as there is room for. `docs/why/limits.md` has the
reasons.
"""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable
from contextvars import ContextVar

from tunesmith.errors import RateLimited
from tunesmith.settings import Settings
from tunesmith.store import projects, usage
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal, RateLimitRow

MINUTE_S = 60.0


class Bucket:
    """What has been taken of a limit; it drains evenly, a whole limit a minute."""

    __slots__ = ("_at_s", "_used", "limit")

    def __init__(self, limit: int, now_s: float) -> None:
        self.limit = limit
        self._used = 0.0
        self._at_s = now_s

    def used(self, now_s: float) -> float:
        """What is taken now."""
        self._used = max(0.0, self._used - (now_s - self._at_s) * self.limit / MINUTE_S)
        self._at_s = now_s
        return self._used

    def take(self, amount: float, now_s: float) -> None:
        """Takes, or gives back what is negative; what was taken may exceed the limit."""
        self._used = max(0.0, self.used(now_s) + amount)

    def wait_s(self, amount: float, now_s: float) -> float:
        """Seconds until there is room for `amount`; 0 when there is now, infinite when there never is."""
        over = self.used(now_s) + amount - self.limit
        if over <= 0:
            return 0.0
        return over * MINUTE_S / self.limit if amount <= self.limit else math.inf


class Pair:
    """A project's two buckets for one model."""

    __slots__ = ("model", "requests", "tokens")

    def __init__(self, model: str, requests: int, tokens: int, now_s: float) -> None:
        self.model = model
        self.requests = Bucket(requests, now_s)
        self.tokens = Bucket(tokens, now_s)


class Ticket:
    """One request on its way: what was set aside for it."""

    __slots__ = ("internal", "limiter", "pair", "reserved")

    def __init__(self, limiter: Limiter, *, internal: bool) -> None:
        self.limiter = limiter
        self.internal = internal
        """Asked by the server itself, for a batch: that counts for the month, not for the minute."""
        self.pair: Pair | None = None
        self.reserved = 0


current: ContextVar[Ticket | None] = ContextVar("tunesmith_ticket", default=None)
"""The ticket of the request that is being answered; the envelope sets it."""


def admit(principal: Principal, model: str, *, input_tokens: int, output_tokens: int = 0) -> None:
    """Lets a request to `model` (a base's wire name: tuned models share their base's limits) pass, or not.

    `output_tokens` is the most that it asked for, 0 when it left that open. Raises RateLimited.
    """
    ticket = current.get()
    if ticket is not None:
        ticket.limiter.admit(ticket, principal, model, input_tokens + output_tokens)


class Limiter:
    """The limits of all projects and what is left of them."""

    def __init__(
        self, db: Database, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._own = {(row.project_id, row.model): row for row in projects.all_rate_limits(db)}
        self._quotas = projects.all_quotas(db)
        self._pairs: dict[tuple[str, str], Pair] = {}
        self._month = start, _ = _month(time.time())
        self._used = {start: usage.tokens_since(db, start)}
        """Tokens by the month's beginning and the project: a clock that jumps ahead and back finds what it
        left."""
        self._reserved: dict[str, int] = {}

    def limits(self, project_id: str, model: str) -> tuple[int, int]:
        """Requests and tokens a minute."""
        own = self._own.get((project_id, model))
        requests = own.requests_per_minute if own else None
        tokens = own.tokens_per_minute if own else None
        return (
            self._settings.requests_per_minute if requests is None else requests,
            self._settings.tokens_per_minute if tokens is None else tokens,
        )

    def changed(self, row: RateLimitRow) -> None:
        """A project's own limits are these from now on; what has been taken stays taken."""
        self._own[row.project_id, row.model] = row
        pair = self._pairs.get((row.project_id, row.model))
        if pair is not None:
            now_s = self._clock()
            for bucket, limit in zip(
                (pair.requests, pair.tokens), self.limits(row.project_id, row.model), strict=True
            ):
                bucket.used(now_s)
                bucket.limit = limit

    def quota_changed(self, project_id: str, monthly_tokens: int | None) -> None:
        """A project's own monthly quota is this from now on."""
        if monthly_tokens is None:
            self._quotas.pop(project_id, None)
        else:
            self._quotas[project_id] = monthly_tokens

    def admit(self, ticket: Ticket, principal: Principal, model: str, tokens: int) -> None:
        """Sets `tokens` aside for a request. Raises RateLimited, and then nothing was taken."""
        project_id = principal.project_id
        now_s = self._clock()
        if not ticket.internal:
            ticket.pair = pair = self._pair(project_id, model, now_s)
        self._check_month(project_id, tokens)
        if not ticket.internal:
            for bucket, amount in ((pair.requests, 1), (pair.tokens, tokens)):
                wait_s = bucket.wait_s(amount, now_s)
                if wait_s > 0:
                    raise _reached(principal, pair, bucket, amount, wait_s, now_s)
            pair.requests.take(1, now_s)
            pair.tokens.take(tokens, now_s)
        ticket.reserved += tokens
        self._reserved[project_id] = self._reserved.get(project_id, 0) + tokens

    def settle(self, ticket: Ticket, project_id: str, tokens: int) -> None:
        """The request has ended and took `tokens`: what was set aside beyond that is free again."""
        if ticket.pair is not None:
            ticket.pair.tokens.take(tokens - ticket.reserved, self._clock())
        if ticket.reserved:
            left = self._reserved[project_id] - ticket.reserved
            if left:
                self._reserved[project_id] = left
            else:
                del self._reserved[project_id]
            ticket.reserved = 0
        if tokens:
            used = self._used_this_month()
            used[project_id] = used.get(project_id, 0) + tokens

    def headers(self, pair: Pair) -> list[tuple[bytes, bytes]]:
        """OpenAI's headers, on answers and refusals alike."""
        now_s = self._clock()
        found = []
        for name, bucket in ((b"requests", pair.requests), (b"tokens", pair.tokens)):
            used = bucket.used(now_s)
            reset_s = used * MINUTE_S / bucket.limit if bucket.limit else 0.0
            found += [
                (b"x-ratelimit-limit-" + name, b"%d" % bucket.limit),
                (b"x-ratelimit-remaining-" + name, b"%d" % max(0, math.floor(bucket.limit - used))),
                (b"x-ratelimit-reset-" + name, duration(reset_s).encode()),
            ]
        return found

    def _pair(self, project_id: str, model: str, now_s: float) -> Pair:
        pair = self._pairs.get((project_id, model))
        if pair is None:
            pair = self._pairs[project_id, model] = Pair(model, *self.limits(project_id, model), now_s)
        return pair

    def _check_month(self, project_id: str, tokens: int) -> None:
        quota = self._quotas.get(project_id, self._settings.monthly_tokens)
        if quota is None:
            return
        used = self._used_this_month().get(project_id, 0) + self._reserved.get(project_id, 0)
        if used + tokens <= quota and used < quota:
            return
        begins = datetime.datetime.fromtimestamp(self._month[1], datetime.UTC).date().isoformat()
        refusal = RateLimited(
            "You exceeded your current quota, please check your plan and billing details. Project "
            f"{project_id} may use {quota} tokens a month, has used {used} of them, and this request asks "
            f"for {tokens}. The next month begins on {begins} (UTC); an administrator can raise the quota "
            f"with POST /v1/organization/projects/{project_id} and 'monthly_tokens'.",
            code="insufficient_quota",
            headers={"x-should-retry": "false"},
        )
        refusal.type = "insufficient_quota"
        raise refusal

    def _used_this_month(self) -> dict[str, int]:
        start, end = self._month
        now = time.time()
        if not start <= now < end:
            self._month = start, _ = _month(now)
        return self._used.setdefault(start, {})


def duration(seconds: float) -> str:
    """A time as OpenAI writes it: `644ms`, `9.816s`, `6m0s`, `1h0m0s`."""
    ms = math.ceil(seconds * 1000)
    if ms < 1000:
        return f"{ms}ms"
    minutes, ms = divmod(ms, 60_000)
    text = f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _reached(
    principal: Principal, pair: Pair, bucket: Bucket, amount: int, wait_s: float, now_s: float
) -> RateLimited:
    """The refusal in OpenAI's words. What never fits is not to be tried again."""
    by_tokens = bucket is pair.tokens
    what = "tokens per min (TPM)" if by_tokens else "requests per min (RPM)"
    where = f"for {pair.model} in organization {principal.organization_id} on {what}: Limit {bucket.limit}"
    raised_by = (
        f"An administrator can raise the limit with POST /v1/organization/projects/{principal.project_id}"
        f"/rate_limits/rl-{pair.model}."
    )
    if math.isinf(wait_s):
        refusal = RateLimited(
            f"Request too large {where}, Requested {amount}. The input or output tokens must be reduced in "
            f"order to run successfully. {raised_by}",
            headers={"x-should-retry": "false"},
        )
    else:
        wait_ms = max(1, math.ceil(wait_s * 1000))
        refusal = RateLimited(
            f"Rate limit reached {where}, Used {math.ceil(bucket.used(now_s))}, Requested {amount}. Please "
            f"try again in {duration(wait_ms / 1000)}. {raised_by}",
            headers={"retry-after": str(max(1, math.ceil(wait_s))), "retry-after-ms": str(wait_ms)},
        )
    refusal.type = "tokens" if by_tokens else "requests"
    return refusal


def _month(now_s: float) -> tuple[int, int]:
    """The beginning and the end of a moment's calendar month in UTC, in Unix seconds."""
    start = datetime.datetime.fromtimestamp(now_s, datetime.UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    following = (start + datetime.timedelta(days=32)).replace(day=1)
    return int(start.timestamp()), int(following.timestamp())
