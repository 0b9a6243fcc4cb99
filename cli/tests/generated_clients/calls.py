"""Calls the test service with its generated client.

The arguments are the URL of the endpoint, and one at which nobody listens.
"""

import math
import pickle
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import client as generated
from client import (
    AccessDeniedError,
    AlreadyShippedError,
    BadResponseError,
    CallError,
    Client,
    DeadlineExceededError,
    InternalError,
    InvalidParamsError,
    NotFoundError,
    ServerBusyError,
    TimedOutError,
    TransportError,
)

E = TypeVar("E", bound=BaseException)


def fails(error: type[E], call: Callable[[], Any]) -> E:
    """Returns the error with which the call ends."""
    try:
        call()
    except error as caught:
        return caught
    raise AssertionError(f"no {error.__name__}")


url, closed = sys.argv[1:]
client = Client(url)

# Results, optional parameters, and types that serde writes in several ways.
order = client.orders.place("apple", {"kind": "post", "street": "Main Street 1"})
assert order["amount"] == 1
assert order["note"] is None
assert order["priority"] == "Low"
assert order["kind"] == "post" and order["street"] == "Main Street 1"
second = client.orders.place(
    item="pear",
    amount=3,
    note="ripe",
    priority="High",
    delivery={"kind": "pickup", "hour": 7},
)
assert second["kind"] == "pickup" and second["hour"] == 7
assert len(client.orders.list()) == 2
assert client.orders.label(red=1, **{"a b": -2}) == {"red": 1, "a b": -2}
assert client.pair((1, "x")) == ["x", 1]
assert client.nullness() == "missing"
assert client.nullness(None) == "null"
assert client.nullness(3) == "a value"
client.wait(0)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    assert client.old() == 7
assert [warning.category for warning in warned] == [DeprecationWarning]
assert client.import_(1, 2, a_b=3) == 6

invalid = fails(InvalidParamsError, lambda: client.orders.find("one"))  # type: ignore[arg-type]
assert invalid.data.get("param") == "number" and "expected" in invalid.data["reason"]
fails(TypeError, lambda: client.orders.find())  # type: ignore[call-arg]

# Errors.
missing = fails(NotFoundError, lambda: client.orders.find(7))
assert (missing.code, missing.data["number"], missing.method) == (404, 7, "orders.find")
assert missing.message == "There is no order 7"
assert str(pickle.loads(pickle.dumps(missing))) == str(missing)
fails(AlreadyShippedError, lambda: client.orders.cancel(1))
internal = fails(InternalError, lambda: client.orders.cancel(0))
assert internal.data["correlation_id"] and "disk" not in str(internal)
fails(AccessDeniedError, client.whoami)
assert Client(url, token="hello_world").whoami() is None
assert Client(url, token="hello_world", token_header="X-Api-Token").whoami() is None

# Overload, deadlines, and what goes wrong on the way.
with ThreadPoolExecutor(4) as pool:
    held = [pool.submit(client.hold, 200) for _ in range(4)]
busy = [error for error in (call.exception() for call in held) if error is not None]
assert busy and all(isinstance(error, ServerBusyError) for error in busy)
for error in busy:
    assert isinstance(error, ServerBusyError) and error.data["retry_after_ms"] >= 0
assert fails(DeadlineExceededError, client.late).data["deadline_ms"] == 50
impatient = Client(url, timeout=0.05)
late = fails(CallError, lambda: impatient.wait(5000))
assert isinstance(late, (TimedOutError, DeadlineExceededError))
impatient.with_timeout(5).wait(100)
fails(TransportError, lambda: Client(closed).echo(1))
fails(BadResponseError, lambda: Client(url.replace("/api", "/none")).echo(1))
fails(ValueError, lambda: Client("file:///etc/passwd"))

# Numbers are exact.
assert client.echo(2**64 - 1) == 2**64 - 1
assert client.average([1e300, 1e300]) == 1e300
fails(ValueError, lambda: client.average([math.nan]))


# A transport of the caller's own.
def answer(
    url: str, body: bytes, headers: Mapping[str, str], timeout: float | None
) -> tuple[int, bytes]:
    assert headers["Request-Timeout"] == "1.500000" and timeout == 1.5
    return 200, b'{"jsonrpc":"2.0","id":1,"result":NaN}'


other = Client("http://localhost", timeout=1.5, transport=answer)
assert "no JSON" in str(fails(BadResponseError, lambda: other.echo(1)))

# A notification, and a batch.
client.notify(client.orders.place, "plum", {"kind": "never"})
for _ in range(100):
    if len(client.orders.list()) == 3:
        break
    time.sleep(0.01)
batch = client.batch()
total = batch.add(client.echo, 5)
failed = batch.add(client.orders.find, number=8)
everything = batch.add(client.orders.list)
nobody = batch.add(client.whoami)
batch.notify(client.orders.label, blue=3)
fails(RuntimeError, total.result)
batch.send()
assert total.result() + 1 == 6 and total.error is None
assert fails(NotFoundError, failed.result).data["number"] == 8
assert len(everything.result()) == 3
assert isinstance(nobody.error, AccessDeniedError)
client.batch().send()
lost = Client(closed).batch()
lost.add(client.whoami)
fails(TransportError, lost.send)
fails(TypeError, lambda: client.notify(client.with_timeout, 1))
fails(TypeError, lambda: client.notify(len, []))
assert generated.UNSET is generated.Unset.UNSET

print("all calls went as they should")
