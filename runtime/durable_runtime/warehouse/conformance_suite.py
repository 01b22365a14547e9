"""Every check that a warehouse must pass, whatever it is about: `for check in CHECKS: check(bench)`."""

from __future__ import annotations

from collections.abc import Callable

from durable_runtime.warehouse import (
    conformance,
    conformance_forecast,
    conformance_switch,
    conformance_tables,
    conformance_values,
    conformance_versions,
)
from durable_runtime.warehouse.conformance import Bench

CHECKS: tuple[Callable[[Bench], None], ...] = (
    *conformance.CHECKS,
    *conformance_values.CHECKS,
    *conformance_forecast.CHECKS,
    *conformance_versions.CHECKS,
    *conformance_switch.CHECKS,
    *conformance_tables.CHECKS,
)
