"""Celery's Redis, whose going takes no worker along.

A channel that was closed with its connection is used once more: to give back what is not acknowledged, and to
acknowledge a task that ended later. kombu 5.7 then meets None (AttributeError), which ends the worker; as an error of
the connection, which it is, Celery expects it, connects again and goes on. What the task was to do stands in the
database.
"""

from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError as Gone


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002  # kombu's own
        if self.connection is None or self.connection.client is None:
            raise Gone("This channel was closed.")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call]


class Transport(redis.Transport):
    Channel = Channel
