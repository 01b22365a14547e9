"""Who is told about a run: each alert becomes one file in the outbox folder."""

from __future__ import annotations

import json
from pathlib import Path

from durable_runtime.configuration import AlertSettings
from durable_runtime.errors import ConfigurationError
from durable_runtime.runs import Summary
from durable_runtime.spec import Alert

EVENT_BY_STATUS = {"succeeded": "completion", "failed": "failure", "partial": "failure", "waiting": "approval_needed"}
SETTING_BY_CHANNEL = {"slack": "slack", "email": "smtp"}


def check_channels(alerts: tuple[Alert, ...], settings: AlertSettings) -> None:
    """Refuse to start when somebody was promised an alert that this profile cannot send. Raises ConfigurationError."""
    for alert in alerts:
        setting = SETTING_BY_CHANNEL[alert.channel]
        if not settings.file and getattr(settings, setting) is None:
            raise ConfigurationError(
                f"{alert.requirement} alerts {alert.to} by {alert.channel}, but the profile has no alerts.{setting}.",
                help=f'Add {setting} = "env:NAME" below the profile\'s alerts, or set alerts = "file".',
                requirement=alert.requirement,
            )


def write(alerts: tuple[Alert, ...], summary: Summary, outbox: Path) -> None:
    """Put what is due into the outbox; a file's name says run and recipient, so the same alert is written once."""
    event = EVENT_BY_STATUS[summary.status]
    for at, alert in enumerate(one for one in alerts if one.on == event):
        outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = {"on": event, "channel": alert.channel, "to": alert.to, "requirement": alert.requirement}
        text = json.dumps({**body, "text": _text(summary), "run": summary.as_json()}, indent=2)
        (outbox / f"{summary.run_id}-{at:02d}-{event}.json").write_text(text + "\n", encoding="utf-8")


def _text(summary: Summary) -> str:
    name = f"{summary.pipeline} v{summary.version}"
    if summary.error is None:
        return f"{name}: found {summary.found:,} updated records (run {summary.run_id})."
    return f"{name} {summary.status}: {summary.error.message} {summary.error.help} (run {summary.run_id})"
