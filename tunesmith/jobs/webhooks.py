"""The deliverer: one thread with an event loop of its own, which takes the outbox to its receivers.

At least once: an event leaves the outbox when its receiver has answered with 2xx, and whatever happens before
(a receiver away, this process killed between the answer and the note of it) makes it come again, with the
same `webhook-id`. Nothing waits for this thread, and what it does not get done is in the database.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from tunesmith import ids
from tunesmith.errors import NotAdmitting, StoreBusy
from tunesmith.jobs.webhooks_sender import Outcome, Sender
from tunesmith.store import webhooks
from tunesmith.store.database import Database
from tunesmith.store.rows import WebhookDeliveryRow, WebhookEndpointRow

log = logging.getLogger(__name__)

#: Seconds after an event until the last attempt at it.
GIVE_UP_AFTER_S = 72 * 3600
#: Seconds before the second attempt; each further pause is twice the one before, up to the longest.
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 8 * 3600.0
#: Each pause is longer or shorter by up to this part, so that what failed together does not come together.
JITTER = 0.25
#: Attempts at a time, over all endpoints and to one of them.
MAX_IN_FLIGHT = 16
MAX_IN_FLIGHT_PER_ENDPOINT = 2
#: Seconds that an endpoint which fails is left alone, at first and at most, whatever is due for it.
FIRST_REST_S = 0.5
LONGEST_REST_S = 60.0
#: Seconds between two looks at the outbox, which other processes write into too; and at most, where the store
#: fails.
POLL_S = 1.0
LONGEST_WAIT_S = 30.0
SWEEP_EVERY_S = 3600.0
#: Seconds that attempts under way get at the server's stop.
STOP_GRACE_S = 2.0
#: Seconds that creating an endpoint waits for its host's name; a name that cannot be had yet is no reason to
#: refuse it, because each delivery looks again.
NAME_TIMEOUT_S = 3.0
MAX_TESTS = 4

P = ParamSpec("P")
T = TypeVar("T")


class Deliverer:
    """Runs from `start` to `stop`, in a thread."""

    def __init__(self, db: Database, *, allow_private: bool, sender: Callable[..., Sender] = Sender) -> None:
        """`allow_private`: whether private addresses and plain http are allowed."""
        self._db = db
        self._make_sender = lambda: sender(allow_private=allow_private)
        self._store = ThreadPoolExecutor(1, "tunesmith-webhook-store")
        self._thread = threading.Thread(target=self._run, name="tunesmith-webhooks", daemon=True)
        self._ready = threading.Event()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event
        self._sender: Sender
        self._tests: asyncio.Semaphore
        self._in_flight: dict[str, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._next_sweep = 0.0

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to deliver."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stops; what is not delivered yet is delivered after the next start."""
        self._stopping = True
        self.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._store.shutdown()

    def wake(self) -> None:
        """Look at the outbox now, not at the next poll."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake.set)

    # -- for the routes -----------------------------------------------------------------------------------

    async def check(self, url: str) -> None:
        """Looks whether `url` may be delivered to. Raises InvalidRequest."""
        try:
            await self._there(self._check(url))
        except (OSError, TimeoutError):
            return

    async def test(self, endpoint: WebhookEndpointRow, event_type: str, object_id: str) -> Outcome:
        """Sends a sample event now, once; a receiver that takes it is enabled again."""
        return await self._there(self._test(endpoint, event_type, object_id))

    async def _check(self, url: str) -> None:
        async with asyncio.timeout(NAME_TIMEOUT_S):
            await self._sender.addresses(url)

    async def _test(self, endpoint: WebhookEndpointRow, event_type: str, object_id: str) -> Outcome:
        async with self._tests:
            body = webhooks.event_body(event_type, object_id, at=ids.now())
            outcome = await self._sender.send(endpoint, ids.new_id("webhook_delivery"), body)
        if outcome.ok and (endpoint.disabled_reason or endpoint.last_failure):
            await self._in_store(webhooks.enable, self._db, endpoint.id)
        return outcome

    async def _there(self, work: Any) -> Any:
        """`work` on the deliverer's own loop, awaited on the caller's."""
        if self._loop is None or self._stopping:
            work.close()
            raise NotAdmitting("The server is starting or stopping. Try again in a few seconds.")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    # -- the loop -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._deliver_until_stopped())
        except Exception:
            log.exception("webhooks are not delivered any more")
        finally:
            self._ready.set()

    async def _deliver_until_stopped(self) -> None:
        self._wake = asyncio.Event()
        self._tests = asyncio.Semaphore(MAX_TESTS)
        self._sender = self._make_sender()
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        failures = 0
        while not self._stopping:
            self._wake.clear()
            try:
                await self._round()
                failures = 0
            except Exception as error:  # the loop outlives whatever happens in it
                failures += 1
                if isinstance(error, StoreBusy):
                    log.warning("webhooks wait: %s", error)
                else:
                    log.exception("webhooks go on after an error")
            try:
                async with asyncio.timeout(doubled(POLL_S, failures, LONGEST_WAIT_S)):
                    await self._wake.wait()
            except TimeoutError:
                pass
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_GRACE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()

    async def _round(self) -> None:
        """Starts what is due and has room."""
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_EVERY_S
            await self._in_store(webhooks.sweep, self._db, ids.now())
            self._not_before = {name: t for name, t in self._not_before.items() if t > time.monotonic()}
            self._failures = {name: n for name, n in self._failures.items() if name in self._not_before}
        now = ids.now()
        for endpoint in await self._in_store(webhooks.endpoints_with_due, self._db, now):
            under_way = self._in_flight.get(endpoint.id, set())
            room = min(MAX_IN_FLIGHT - len(self._tasks), MAX_IN_FLIGHT_PER_ENDPOINT - len(under_way))
            if room <= 0 or time.monotonic() < self._not_before.get(endpoint.id, 0.0):
                continue
            for delivery in await self._in_store(
                webhooks.due, self._db, endpoint.id, now, limit=room, but=sorted(under_way)
            ):
                self._in_flight.setdefault(endpoint.id, set()).add(delivery.id)
                task = asyncio.create_task(self._deliver(endpoint, delivery))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, endpoint: WebhookEndpointRow, delivery: WebhookDeliveryRow) -> None:
        try:
            outcome = await self._sender.send(endpoint, delivery.id, delivery.body)
            self._rest(endpoint.id, outcome)
            while not await self._note(delivery, outcome):  # until then it is not sent again
                await asyncio.sleep(POLL_S)
        finally:
            under_way = self._in_flight[endpoint.id]
            under_way.discard(delivery.id)
            if not under_way:
                del self._in_flight[endpoint.id]
            self._wake.set()

    def _rest(self, endpoint_id: str, outcome: Outcome) -> None:
        """Leaves an endpoint alone that fails, for a while that grows; a success ends that."""
        if outcome.ok:
            self._failures.pop(endpoint_id, None)
            self._not_before.pop(endpoint_id, None)
        else:
            failures = self._failures[endpoint_id] = self._failures.get(endpoint_id, 0) + 1
            rest_s = doubled(FIRST_REST_S, failures - 1, LONGEST_REST_S)
            self._not_before[endpoint_id] = time.monotonic() + rest_s

    async def _note(self, delivery: WebhookDeliveryRow, outcome: Outcome) -> bool:
        try:
            await self._in_store(note, self._db, delivery, outcome)
        except Exception as error:
            log.warning("the outcome of %s cannot be written yet: %s", delivery.id, error)
            return False
        return True

    def _in_store(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._store, lambda: work(*args, **kwargs))


def note(db: Database, delivery: WebhookDeliveryRow, outcome: Outcome) -> None:
    """Writes down what an attempt came to, and what follows from it."""
    now = ids.now()
    give_up_at = delivery.created_at + GIVE_UP_AFTER_S
    if outcome.ok:
        webhooks.delivered(db, delivery, outcome=outcome.sentence)
    elif outcome.gone:
        reason = "The receiver answered with status 410: it wants no more events."
        webhooks.disable(db, delivery.endpoint_id, reason)
        log.warning("webhook endpoint %s is disabled: %s", delivery.endpoint_id, reason)
    elif now >= give_up_at:
        reason = (
            f"No event could be delivered for {GIVE_UP_AFTER_S // 3600} hours. The last time: "
            f"{outcome.sentence}"
        )
        if webhooks.given_up(db, delivery, outcome=f"Given up. {outcome.sentence}", reason=reason):
            log.warning("webhook endpoint %s is disabled: %s", delivery.endpoint_id, reason)
    else:
        due_at = now + pause_s(delivery.attempts + 1, outcome.retry_after_s)
        webhooks.postponed(db, delivery, outcome=outcome.sentence, due_at=min(due_at, give_up_at))


def doubled(first_s: float, times: int, longest_s: float) -> float:
    """Seconds that begin at `first_s` and double with each failure up to `longest_s`, after however many."""
    return min(first_s * 2.0 ** min(times, 32), longest_s)


def pause_s(attempts: int, retry_after_s: int | None = None) -> int:
    """Whole seconds from the attempt that was the `attempts`-th to the next; what the receiver asks for is
    heard."""
    pause = doubled(FIRST_PAUSE_S, attempts - 1, LONGEST_PAUSE_S)
    pause *= random.uniform(1 - JITTER, 1 + JITTER)
    return max(1, round(pause), min(retry_after_s or 0, int(LONGEST_PAUSE_S)))
