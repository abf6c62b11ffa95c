"""Messages to people, through the library apprise: mail, Slack, Teams, webhooks, by address.

One message a run at most, and none while nothing is new: a run that fails as the one before did is not told again, and
the first success after failures is told once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import SecretStr

from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER, quiet
from segmentation.errors import ConfigError, QualityGateError, install
from segmentation.state.output import Output
from segmentation.state.status import DIED, Status, changing, read_status, record_death, record_unchanged

# Of equal failures they differ: ids of runs and hashes, and numbers.
CHANGING = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}|\b[0-9a-f]{8,}\b|\d+")


class Alert(NamedTuple):
    """A message.

    Attributes:
        kind: what it is about.
        title: in short.
        body: what happened, and what to do.
        cause: alerts of one kind and cause tell the same, and are sent once.
    """

    kind: str
    title: str
    body: str
    cause: str = ""

    @property
    def subject(self) -> str:
        """What is the same of two alerts that tell the same."""
        return hashlib.sha256(f"{self.kind}\0{CHANGING.sub('0', self.cause)}".encode()).hexdigest()[:16]


def alert_of(run: Mapping[str, Any], before: Status) -> Alert | None:
    """What there is to tell of a run, None for nothing.

    Args:
        run: that has ended, `run.results.told`.
        before: the status before it.
    """
    where, error = run["output"], run["error"]
    log = _log(where)
    if error and error["exit_code"] == QualityGateError.exit_code:
        body = f"{error['message']}\n\nWhat was published before stays. {log}"
        return Alert("refused", f"Refused to publish: {where}", body, error["message"])
    if error:
        is_late = "customer_segments" in run["tables"]
        stays = "The customers were published before it failed." if is_late else "What was published before stays."
        body = f"{error['message']}\n\n{stays} {log}"
        return Alert("failed", f"Run failed: {where}", body, error["message"])
    if before.get("failures_in_a_row"):
        many = f"{before['failures_in_a_row']} failed run{'s' if before['failures_in_a_row'] > 1 else ''}"
        body = f"{run['total_customers']:,} customers as of {run['as_of']} are published, after {many}. {log}"
        return Alert("recovered", f"Recovered: {where}", body)
    if run["findings"]:
        body = "Published, but unusual:\n" + "\n".join(f"- {one}" for one in run["findings"]) + f"\n\n{log}"
        return Alert("unusual", f"Unusual publication: {where}", body, "\n".join(run["findings"]))
    return None


def _log(where: str) -> str:
    return f"The log is {where}/segmentation_runs.log; segmentation status --output-dir {where} says more."


def died(output: Output, run: Mapping[str, Any]) -> Alert:
    """What there is to tell of a run that left no outcome."""
    body = f"Run {run['run_id']}: {DIED}. Readers see the publication before it or a whole new one. {_log(output.root)}"
    return Alert("failed", f"Run died: {output.root}", body, DIED)


def cannot_start(output: Output) -> Alert:
    """What there is to tell when the configuration of a watch is wrong: no run can record it."""
    body = f"The configuration is wrong (exit code 2); what the watch has logged says how. {_log(output.root)}"
    return Alert("failed", f"No run begins: {output.root}", body, "configuration")


def unchanged(output: Output) -> Alert:
    """What there is to tell when runs failed, and the source is what it was when one succeeded."""
    body = "The source is again what it was at the last successful run, so what is published is right."
    return Alert("recovered", f"Recovered: {output.root}", body)


def stale(output: Output, freshness: Mapping[str, Any]) -> Alert:
    """What there is to tell when nothing was published for too long."""
    age = timedelta(seconds=freshness["max_loaded_at_time_ago_in_s"])
    limit = freshness["criteria"]["error_after"]
    return Alert(
        "stale",
        f"Stale: {output.root}",
        f"What is published was last known to be fresh {age} ago; freshness.error_after allows {limit['count']} "
        f"{limit['period']}s. segmentation status --output-dir {output.root} says why.",
    )


def tell(config: SegmentationConfig, output: Output, alert: Alert | None) -> bool:
    """Send an alert unless it was sent already; a success makes all alerts new again.

    Args:
        config: whom to tell.
        output: where it is kept what was told.
        alert: None where all is well.

    Returns:
        Was it sent?
    """
    if not config.alerts.urls:
        return False
    told = read_status(output).get("alerted", [])
    is_sent = alert is not None and alert.subject not in told and send(config, alert)
    over = alert is None or alert.kind in ("recovered", "unusual")
    known = [alert.subject] if alert and alert.kind != "recovered" and (is_sent or alert.subject in told) else []
    now = [*([] if over else (one for one in told if one not in known)), *known]
    if now != told:
        _remember(output, now)
    return is_sent


def _remember(output: Output, told: Sequence[str]) -> None:
    """On a full disk it is told once more."""
    try:
        with changing(output) as status:
            status["alerted"] = list(told)
    except OSError as error:
        LOGGER.warning("What was told cannot be noted: %s", error)


def tell_of_the_dead(config: SegmentationConfig, output: Output) -> None:
    """Count and tell a run that was at work and left no outcome; to be asked while no run can be at work."""
    run = record_death(output)
    if run:
        tell(config, output, died(output, run))


def tell_unchanged(config: SegmentationConfig, output: Output, at: datetime) -> None:
    """What follows when there was nothing to do; if runs failed before, the source is again what it was."""
    before = record_unchanged(output, at)
    if before.get("failures_in_a_row"):
        tell(config, output, unchanged(output))


def send(config: SegmentationConfig, alert: Alert) -> bool:
    """Send a message to all addresses; which of them failed is told by its kind alone, for it holds secrets.

    Returns:
        Did all take it?

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        with quiet("apprise", "requests", "urllib3"):
            unsent = [
                _which(number, url) for number, url in enumerate(config.alerts.urls, 1) if not _sent(config, alert, url)
            ]
    except ImportError as error:
        raise ConfigError(f"Alerts need {error.name}: {install('automation')}.") from error
    for which in unsent:
        LOGGER.warning("%r could not be sent to %s of alerts.urls.", alert.title, which)
    return not unsent


def _which(number: int, url: SecretStr) -> str:
    """An address by its number and kind; one without a kind may begin with a secret."""
    scheme, mark, _ = url.get_secret_value().partition("://")
    return f"number {number} ({scheme}://...)" if mark else f"number {number}, which has no ://,"


def _sent(config: SegmentationConfig, alert: Alert, url: SecretStr) -> bool:
    import apprise

    address, seconds = url.get_secret_value(), config.alerts.timeout_seconds
    courier = apprise.Apprise(asset=apprise.AppriseAsset(app_id="segmentation", secure_logging=True))
    # Limits on connecting and reading.
    is_known = courier.add(f"{address}{'&' if '?' in address else '?'}cto={seconds}&rto={seconds}")
    level = apprise.NotifyType.INFO if alert.kind in ("recovered", "test") else apprise.NotifyType.FAILURE
    return bool(is_known and courier.notify(body=alert.body, title=alert.title, notify_type=level))
