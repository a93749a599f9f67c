"""One batch on its way: its input is examined, its lines are asked, its files are made.

A run does what the batch's state asks for until the batch has ended. It keeps nothing that matters to itself:
cut anywhere and begun again, it goes on from the rows (`store/batches.py`), and asks only lines without an
outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.batches.asking import Asking, Desk, principal_of
from tunesmith.api.batches.input import Fault, InputReader, Report, examine
from tunesmith.api.batches.output import Outcomes, finish
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.moderations import model as moderation_model
from tunesmith.errors import InvalidRequest, ModelNotFound, TunesmithError
from tunesmith.store import batches, files
from tunesmith.store.blobs import ObjectCorrupt, ObjectMissing
from tunesmith.store.rows import BatchRow, FileRow
from tunesmith.wire.batches import MODERATIONS


class Run:
    """Carries one batch on. Lives on the event loop."""

    def __init__(self, desk: Desk, batch_id: str) -> None:
        self._desk, self._batch_id = desk, batch_id
        self._halted = asyncio.Event()
        """The step in progress shall end: the batch's state or the server's asks for something else."""
        self._gone = asyncio.Event()
        """Nobody waits for the answers under way any more."""
        self._leaving = False

    def halt(self) -> None:
        """Looks at the batch again: it has been cancelled, or its window is over."""
        self._halted.set()

    def leave(self, *, at_once: bool = False) -> None:
        """Asks no further line and ends; what is under way gets its outcome, unless `at_once`."""
        self._leaving = True
        self._halted.set()
        if at_once:
            self._gone.set()

    async def carry_on(self) -> None:
        """Does step after step until the batch has ended or the server leaves."""
        while not self._leaving:
            self._halted.clear()
            row = await run_in_threadpool(batches.find, self._desk.office.db, self._batch_id)
            if row is None or row.status in batches.TERMINAL:
                return
            over = ids.now() >= row.expires_at
            if row.status == batches.CANCELLING:
                await self._finish(row, batches.CANCELLED)
            elif row.status == batches.FINALIZING:
                await self._finish(row, batches.COMPLETED)
            elif over:
                await self._finish(row, batches.EXPIRED)
            elif row.status == batches.VALIDATING:
                await self._validate(row)
            else:
                await self._work(row)

    # -- validating -------------------------------------------------------------------------------------

    async def _validate(self, row: BatchRow) -> None:
        office = self._desk.office
        try:
            file = await self._input_file(row)
            chunks = self._until_halted(office.blobs.stream(file.object_key))
            report = await run_in_threadpool(examine, chunks, row.endpoint)
        except _Halted:
            return
        except ObjectMissing:
            await self._fail(row, _INPUT_GONE)
            return
        wire_name = None if report.n_faults else await self._wire_name(row, report)
        if report.n_faults:
            await run_in_threadpool(
                batches.move, office.db, row.id, batches.FAILED, errors=report.errors(), model=report.model
            )
            return
        await run_in_threadpool(
            batches.move,
            office.db,
            row.id,
            batches.IN_PROGRESS,
            expect={batches.VALIDATING},
            n_total=report.n_lines,
            model=wire_name,
        )

    async def _wire_name(self, row: BatchRow, report: Report) -> str | None:
        """The name that the answers will carry. A model that cannot be asked is a fault of the whole file."""
        office, principal = self._desk.office, principal_of(row)
        try:
            if row.endpoint == MODERATIONS:
                return (await moderation_model.find(office, principal, report.model)).wire_name
            assert report.model is not None
            if row.endpoint == "/v1/embeddings":
                resolved = office.catalog.resolve_embedding(report.model)
                if resolved is not None:
                    return resolved.wire_name
            found = await models_lookup.find_async(office, principal, report.model)
        except TunesmithError as error:
            final = isinstance(error, ModelNotFound | InvalidRequest)
            if not final and error.headers.get("x-should-retry") != "false":
                raise
            report.add(
                Fault(error.code or "model_not_available", report.model_line, error.message, "body.model")
            )
            return None
        return found.wire_name

    def _until_halted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._halted.is_set():
                raise _Halted
            yield chunk

    # -- in progress ------------------------------------------------------------------------------------

    async def _work(self, row: BatchRow) -> None:
        """Asks every line that has no outcome yet; then the batch is `finalizing`, unless it was halted."""
        office = self._desk.office
        try:
            file = await self._input_file(row)
        except ObjectMissing:
            await self._fail(row, _INPUT_GONE)
            return
        segments = await run_in_threadpool(batches.segments, office.db, row.id)
        done = {number for segment in segments for number in segment.lines}
        reader = InputReader(office.blobs, file.object_key, file.size_bytes, done)
        outcomes = Outcomes(office.db, office.blobs, row.id, segments)
        if not self._leaving:
            self._gone = asyncio.Event()
        asking = Asking(self._desk, row, reader, outcomes, self._gone)
        producing = asyncio.create_task(asking.all_lines(), name=f"{row.id} lines")
        writing = asyncio.create_task(outcomes.write(), name=f"{row.id} outcomes")
        halted = asyncio.create_task(self._halted.wait())
        try:
            await asyncio.wait({producing, writing, halted}, return_when=asyncio.FIRST_COMPLETED)
            if producing.done() and not producing.exception():
                outcomes.complete()
                await asyncio.wait({writing, halted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            through = producing.done()
            producing.cancel()
            halted.cancel()
            if not self._leaving:
                self._gone.set()
            await asking.under_way()
            outcomes.close()
            await asyncio.wait({producing, halted, writing})
        writing.result()  # outcomes that could not be written are not lost: their lines are asked again
        if not through:
            return
        try:
            producing.result()
        except (ObjectMissing, ObjectCorrupt):
            await self._fail(row, _INPUT_GONE)
            return
        now = await run_in_threadpool(batches.find, office.db, row.id)
        assert now is not None and now.n_completed + now.n_failed == now.n_total, "lines without an outcome"
        await run_in_threadpool(
            batches.move, office.db, row.id, batches.FINALIZING, expect={batches.IN_PROGRESS}
        )

    # -- ends -------------------------------------------------------------------------------------------

    async def _finish(self, row: BatchRow, to: str) -> None:
        office = self._desk.office
        try:
            file = await self._input_file(row)
        except ObjectMissing:
            file = None
        try:
            await run_in_threadpool(finish, office.db, office.blobs, row, to, input_file=file)
        except ObjectMissing:
            await run_in_threadpool(
                batches.finish,
                office.db,
                row.id,
                batches.FAILED,
                expect=row.status,
                errors=[_OUTPUT_GONE._asdict()],
            )

    async def _fail(self, row: BatchRow, fault: Fault) -> None:
        """Ends the batch as failed, with what was answered before."""
        office = self._desk.office
        await run_in_threadpool(
            finish, office.db, office.blobs, row, batches.FAILED, input_file=None, errors=[fault._asdict()]
        )

    async def _input_file(self, row: BatchRow) -> FileRow:
        """The input file, deleted or not: a batch goes on reading what it was given. Raises ObjectMissing."""
        office = self._desk.office
        file = await run_in_threadpool(files.find, office.db, row.input_file_id)
        if file is None or not await run_in_threadpool(office.blobs.exists, file.object_key):
            raise ObjectMissing(f"there is no {row.input_file_id}")
        return file


_INPUT_GONE = Fault(
    "input_file_not_found",
    None,
    "The input file's content is no longer there. Upload it again and make a new batch; what was answered "
    "before is in the output file.",
    "input_file_id",
)
_OUTPUT_GONE = Fault(
    "output_lost", None, "Answers that were stored for this batch are damaged or gone. Make the batch again."
)


class _Halted(Exception):
    """Reading was stopped because the batch shall do something else."""
