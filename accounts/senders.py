"""How often someone unknown may send a form. Nothing of her is kept but a hash, in the cache, worthless by tomorrow.

The hash is of the network address and a salt that is drawn each day (UTC) and forgotten at its end: who holds the
cache cannot try all addresses against yesterday's counts, nor know the sender of today again tomorrow.
"""

import hmac
import ipaddress
import secrets
import time
from datetime import timedelta
from hashlib import sha256

import structlog
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

A_DAY = 24 * 60 * 60
# What one household or one counter is given to choose from: whoever has it all counts as one.
IPV6_NETWORK = 64

logger = structlog.get_logger(__name__)


def sender(request: HttpRequest) -> str:
    """Where *request* comes from, as a hash of today; "" where the cache is gone and nobody can be counted.

    Behind reverse proxies it is the address the outermost of DESK_PROXIES saw. Raises PermissionDenied without one.
    """
    network = _network(get_adapter().get_client_ip(request))
    try:
        salt = cache.get_or_set(
            f"senders-salt:{int(time.time()) // A_DAY}",
            lambda: secrets.token_hex(32),
            A_DAY - int(time.time()) % A_DAY,
        )
    except RedisError:
        logger.warning("senders_not_counted", exc_info=True)
        return ""
    return hmac.new(str(salt).encode(), network.encode(), sha256).hexdigest()


def too_many(who: str, *, what: str, most: int, within: timedelta) -> bool:
    """Counts one more *what* of *who*; whether that is over *most* in the time *within* since the first.

    Then it counts anew. Without a cache nobody is over: a form that works matters more.
    """
    if not who:
        return False
    key = f"senders-count:{what}:{who}"
    try:
        cache.add(key, 0, int(within.total_seconds()))
        return cache.incr(key) > most
    except ValueError:  # the time was over between the two
        return False
    except RedisError:
        logger.warning("senders_not_counted", exc_info=True)
        return False


def first_time(who: str, *, what: str, within: timedelta) -> bool:
    """Whether *who* has not done *what* in the time *within* before; from now on she has."""
    if not who:
        return True
    try:
        return bool(cache.add(f"senders:{what}:{who}", 1, int(within.total_seconds())))
    except RedisError:
        logger.warning("senders_not_counted", exc_info=True)
        return True


def _network(client: str) -> str:
    address = ipaddress.ip_address(client)
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return str(getattr(address, "ipv4_mapped", None) or address)
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
