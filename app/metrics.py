"""Counters, gauges and histograms in the Prometheus text form, through prometheus-client.

Metrics are declared with their help text at the top of the module that moves them, and start with `mox_`. A label never
holds an address, a peer's IP or anything else without a small fixed set of values.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# A time for each counter is twice the size, and nobody asks.
disable_created_metrics()  # type: ignore[no-untyped-call]


def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows; `name` is given without the "mox_" prefix."""
    return Counter("mox_" + name, text, labels)


def gauge(name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
    """A number that goes up and down."""
    return Gauge("mox_" + name, text, labels)


def histogram(name: str, text: str, labels: Sequence[str] = ()) -> Histogram:
    """A distribution, of seconds unless the name says otherwise."""
    return Histogram("mox_" + name, text, labels)


PANICS = counter("panic_total", "Errors in this program itself, each ended one connection, request or task.", ("pkg",))


def exposition() -> bytes:
    """All metrics of the process in the text form."""
    return generate_latest(REGISTRY)
