"""Runs by themselves: by time, and when the source changes."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

from segmentation.automation.collection import CollectionWatch
from segmentation.automation.files import observer_of
from segmentation.automation.inbox import Due, Inbox
from segmentation.automation.runner import WORTH_ANOTHER_TRY, Runner
from segmentation.automation.times import times_of, trigger_of
from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER
from segmentation.errors import ConfigError, OutputBusyError, SegmentationError, install
from segmentation.local_files import local_files
from segmentation.monitoring.alerts import cannot_start, stale, tell, tell_of_the_dead
from segmentation.monitoring.health import freshness_of, state_of
from segmentation.run.freshness import fingerprint_of
from segmentation.state.output import Output
from segmentation.state.status import changing, read_status, watching

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

# Seconds between looks at whether what is published has grown old.
TICK = 60.0


@dataclass(frozen=True)
class Plan:
    """When to run.

    Attributes:
        check: cron expression of runs that do nothing if nothing changed, None for none.
        full: of runs that read everything anew.
        files: local files and folders that ask for a run when they change.
        settle_seconds: without another change, before a run begins.
        poll_seconds: between looks at the files, None to be told by the system.
        poll_collection: between questions to MongoDB where it does not tell by itself, None to leave it alone.
        retries: of a run that failed.
        retry_seconds: before the first of them; each pause after is twice as long.
    """

    check: str | None = None
    full: str | None = None
    files: Sequence[str] = ()
    settle_seconds: float = 2.0
    poll_seconds: float | None = None
    poll_collection: float | None = None
    retries: int = 3
    retry_seconds: float = 30.0


class Watch:
    """Waits for what asks for runs, and runs.

    Args:
        config: of the runs: whom to alert, and when what is published is too old.
        output: where they publish.
        runner: starts them.
        plan: when.
    """

    def __init__(self, config: SegmentationConfig, output: Output, runner: Runner, plan: Plan) -> None:
        self.config = config
        self.output = output
        self.runner = runner
        self.plan = plan
        self.inbox = Inbox()
        self.tries = 0
        self.retry_at: datetime | None = None
        self.owes_rebuild = False
        self.seen: str | None = None

    def forever(self) -> None:
        """Watch until a signal ends it.

        Raises:
            OutputBusyError: somebody watches the output already.
            ConfigError: a time or a folder is none, or a library is not installed.
        """
        with watching(self.output), ExitStack() as open_ones:
            open_ones.enter_context(self._signals())
            self.scheduler = _scheduler(self.plan, self.inbox)
            open_ones.callback(self.scheduler.shutdown, wait=False)
            if self.plan.poll_collection is not None:
                collection = CollectionWatch(self.config, self.output, self._changed, self.plan.poll_collection)
                collection.start()
                open_ones.callback(collection.stop)
            if self.plan.files:
                observer = observer_of(self.plan.files, self.output.root, self._changed, self.plan.poll_seconds)
                observer.start()
                open_ones.callback(observer.stop)
            self._say("watching")
            open_ones.callback(self._say, "stopped")
            # What came while nobody watched; a folder may still be empty.
            if not self.plan.files or any(map(local_files, self.plan.files)):
                self.inbox.put("start")
            self._loop()

    def _loop(self) -> None:
        while not self.inbox.is_closed:
            due = self.inbox.take(TICK)
            if due:
                self._run(due)
            elif not self.inbox.is_closed:
                with _survived("A look around"):
                    self._look_around()

    def _run(self, due: Due) -> None:
        # A rebuild that was asked for and failed is owed, whoever asks next.
        due = Due(due.triggers, due.force or self.owes_rebuild)
        LOGGER.info("Run, asked for by %s", " and ".join(due.triggers))
        self.seen = self._fingerprint()
        code = self.runner.run(due)
        self.owes_rebuild = due.force and code != 0
        again = code in WORTH_ANOTHER_TRY and self.tries < self.plan.retries and not self.inbox.is_closed
        self.tries, self.retry_at = self.tries + 1 if again else 0, None
        LOGGER.log(*_told(code))
        from apscheduler.jobstores.base import JobLookupError

        with suppress(JobLookupError):
            self.scheduler.remove_job("retry")
        if again:
            self._retry(self.plan.retry_seconds * 2 ** (self.tries - 1))
        with _survived("The end of the run"):
            self._see_to(code)
        self._say("watching")

    def _see_to(self, code: int) -> None:
        """What a run could not say itself."""
        if code == ConfigError.exit_code:
            tell(self.config, self.output, cannot_start(self.output))
        elif code != OutputBusyError.exit_code and state_of(self.output) != "running":
            # Else somebody else's run is at work.
            tell_of_the_dead(self.config, self.output)

    def _retry(self, seconds: float) -> None:
        self.retry_at = datetime.now(UTC) + timedelta(seconds=seconds)
        LOGGER.info("Try %s of %s again in %s s", self.tries, self.plan.retries, round(seconds))
        self.scheduler.add_job(self.inbox.put, "date", run_date=self.retry_at, args=["retry"], id="retry")

    def _changed(self, path: str) -> None:
        LOGGER.debug("%s changed", path)
        self.inbox.put("source", settles_in=self.plan.settle_seconds)

    def _look_around(self) -> None:
        """What nobody tells of: a folder that took another's place, a link that leads elsewhere, time that goes by."""
        if self._fingerprint() != self.seen:
            self._changed("something")
        fresh = freshness_of(read_status(self.output), self.config.freshness, datetime.now(UTC))
        if fresh["status"] == "error":
            tell(self.config, self.output, stale(self.output, fresh))

    def _fingerprint(self) -> str | None:
        """Of what is watched; None for what a run will complain of."""
        try:
            return fingerprint_of(self.plan.files) if self.plan.files else None
        except SegmentationError:
            return None

    def _say(self, state: str) -> None:
        """What the status tells of this process."""
        jobs = self.scheduler.get_jobs() if self.scheduler.running else []
        times = [job.next_run_time for job in jobs if job.next_run_time]
        with _survived("The status"), changing(self.output) as status:
            status["watch"] = {
                "state": state,
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "changed_at": datetime.now(UTC).isoformat(),
                "next_run": min(times).isoformat() if times and state == "watching" else None,
                "retry_at": self.retry_at.isoformat() if self.retry_at else None,
            }

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """End well when told to: the run at work is asked to end, and nothing new begins."""

        def end(number: int, _: FrameType | None) -> None:
            LOGGER.info("Told to end by signal %s", number)
            self.inbox.close()
            self.runner.ask_to_end()

        before = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


@contextmanager
def _survived(what: str) -> Iterator[None]:
    """A full disk, or an alert that cannot be sent, does not end a watch."""
    try:
        yield
    except (OSError, SegmentationError) as error:
        LOGGER.warning("%s failed, the watch goes on: %s", what, error)


def _scheduler(plan: Plan, inbox: Inbox) -> BackgroundScheduler:
    """Asks for runs by time; what was missed while the machine slept is asked for once."""
    try:
        from apscheduler.schedulers.background import BackgroundScheduler
    except ImportError as error:
        raise ConfigError(f"Watching needs {error.name}: {install('automation')}.") from error
    scheduler = BackgroundScheduler(job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1})
    for name, cron, force in (("check", plan.check, False), ("full", plan.full, True)):
        if cron:
            scheduler.add_job(inbox.put, trigger_of(times_of(cron)), args=[name], kwargs={"force": force}, id=name)
    scheduler.start()
    return scheduler


def _told(code: int) -> tuple[int, str]:
    """How to log an exit code."""
    meaning = {
        0: "done, or nothing to do",
        2: "the configuration is wrong: mend it, and start again",
        3: "there is no data, or it cannot be reached",
        4: "refused",
        5: "another run holds the output",
    }
    level = 20 if code == 0 else 40
    return level, f"The run ended with {code}: {meaning.get(code, 'it failed, see its log')}"
