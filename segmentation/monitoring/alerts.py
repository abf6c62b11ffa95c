"""Messages to people, through the library apprise: mail, Slack, Teams, webhooks, by address.

One message a run at most, and none while nothing is new: a run that fails as the one before did is not told again, and
the first success after failures is told once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER
from segmentation.errors import ConfigError
from segmentation.state.output import Output
from segmentation.state.status import Status, changing, record_unchanged

INSTALL = "pip install 'customer-segmentation[automation]'"
REFUSED = 4


class Alert(NamedTuple):
    """A message, and what it is about: equal ones are sent once."""

    kind: str
    title: str
    body: str

    @property
    def subject(self) -> str:
        """What is the same of two alerts that tell the same: numbers do not count."""
        return hashlib.sha256(re.sub(r"\d+", "0", f"{self.kind}\0{self.title}\0{self.body}").encode()).hexdigest()[:16]


def alert_of(run: Mapping[str, Any], before: Status) -> Alert | None:
    """What there is to tell of a run, None for nothing.

    Args:
        run: that has ended, `run.results.told`.
        before: the status before it.
    """
    where, error = run["output"], run["error"]
    log = f"The log is {where}/segmentation_runs.log; segmentation status --output-dir {where} says more."
    if error and error["exit_code"] == REFUSED:
        body = f"{error['message']}\n\nWhat was published before stays. {log}"
        return Alert("refused", f"Refused to publish: {where}", body)
    if error:
        body = f"{error['message']}\n\nNothing was published; what was there before stays. {log}"
        return Alert("failed", f"Run failed: {where}", body)
    if before.get("failures_in_a_row"):
        many = f"{before['failures_in_a_row']} failed run{'s' if before['failures_in_a_row'] > 1 else ''}"
        body = f"{run['total_customers']:,} customers as of {run['as_of']} are published, after {many}. {log}"
        return Alert("recovered", f"Recovered: {where}", body)
    if run["findings"]:
        body = "Published, but unusual:\n" + "\n".join(f"- {one}" for one in run["findings"]) + f"\n\n{log}"
        return Alert("unusual", f"Unusual publication: {where}", body)
    return None


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
    with changing(output) as status:
        told: list[str] = status.get("alerted") or []
        is_new = alert is not None and alert.subject not in told
        over = alert is None or alert.kind in ("recovered", "unusual")
        status["alerted"] = [*([] if over else told), *([alert.subject] if alert and alert.kind != "recovered" else [])]
    return alert is not None and is_new and send(config, alert)


def tell_unchanged(config: SegmentationConfig, output: Output, at: datetime) -> None:
    """What follows when there was nothing to do; if runs failed before, the source is again what it was."""
    before = record_unchanged(output, at)
    if before.get("failures_in_a_row"):
        tell(config, output, unchanged(output))


def send(config: SegmentationConfig, alert: Alert) -> bool:
    """Send a message to all addresses; which of them failed is told by its kind alone, for it holds secrets.

    Raises:
        ConfigError: the library is not installed, or an address is none that it knows.
    """
    try:
        import apprise
    except ImportError as error:
        raise ConfigError(f"Alerts need {error.name}: {INSTALL}.") from error
    sent = True
    for number, url in enumerate(config.alerts.urls, 1):
        address, asset = url.get_secret_value(), apprise.AppriseAsset(app_id="segmentation", secure_logging=True)
        courier = apprise.Apprise(asset=asset)
        kind = address.partition("://")[0]
        if not courier.add(_in_time(address, config.alerts.timeout_seconds)):
            raise ConfigError(f"alerts.urls: number {number} ({kind}://...) is no address that apprise knows.")
        level = apprise.NotifyType.INFO if alert.kind in ("recovered", "test") else apprise.NotifyType.FAILURE
        if not courier.notify(body=alert.body, title=alert.title, notify_type=level):
            LOGGER.warning("%r could not be sent to number %s of alerts.urls (%s://...).", alert.title, number, kind)
            sent = False
    return sent


def _in_time(address: str, seconds: int) -> str:
    """With limits on connecting and reading."""
    return f"{address}{'&' if '?' in address else '?'}cto={seconds}&rto={seconds}"
