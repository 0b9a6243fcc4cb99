

class Reply(Generic[_T]):
    """The reply to one call of a batch."""

    def __init__(self, spec: _Spec[_T]) -> None:
        self._spec = spec
        self._results: list[_T] = []
        self.error: CallError | None = None
        """The error of the call, if it failed."""

    def result(self) -> _T:
        """Returns the result of the call, or raises its error."""
        if self.error is not None:
            raise self.error
        if not self._results:
            raise RuntimeError("there is no reply yet: send the batch first")
        return self._results[0]

    def _read(self, answer: Any, number: int | None) -> None:
        try:
            result = _result_of(self._spec.name, answer, number, self._spec.errors)
            self._results.append(result)
        except CallError as error:
            self.error = error


class Batch:
    """Several calls that are sent as one request. See `Client.batch`."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._calls: list[tuple[_Spec[Any], dict[str, Any], Reply[Any] | None]] = []

    def add(
        self, method: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Reply[_T]:
        """Adds a call, whose reply can be read when the batch was sent."""
        spec, params = _recorded(method, args, kwargs)
        reply = Reply[_T](spec)
        self._calls.append((spec, params, reply))
        return reply

    def notify(
        self, method: Callable[_P, Any], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        """Adds a notification, which is not answered."""
        spec, params = _recorded(method, args, kwargs)
        self._calls.append((spec, params, None))

    def send(self) -> None:
        """Sends all calls, and waits for their replies.

        Raises an error only if the batch as a whole fails. Each call has its own
        error in its reply.
        """
        calls, self._calls = self._calls, []
        self._connection.batch(calls)


class _Invoke(Protocol):
    """Makes a call, or remembers it for later."""

    def __call__(self, spec: _Spec[_T], params: dict[str, Any], /) -> _T: ...


class _Spec(Generic[_T]):
    """A method, whose result is a `_T`."""

    def __init__(
        self,
        name: str,
        *,
        errors: Mapping[int, type[RpcError]] = {},
        deadline: float | None = None,
        positional: tuple[str, ...] | None = None,
        notification: bool = False,
    ) -> None:
        self.name = name
        self.errors = errors
        self.deadline = deadline
        self.positional = positional
        self.notification = notification


Transport: TypeAlias = Callable[
    [str, bytes, Mapping[str, str], float | None], tuple[int, bytes]
]
"""Posts a body to a URL, with headers and a timeout in seconds.

It returns the status and the body of the response, or raises an `OSError`.
"""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could send the token to another server."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _post(
    url: str, body: bytes, headers: Mapping[str, str], timeout: float | None
) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, dict(headers), method="POST")
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class _Connection:
    """Encodes calls, posts them, and decodes the answers."""

    # Time to wait for a server's own error after its own deadline, in seconds.
    GRACE = 1.0

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        timeout: float | None,
        transport: Transport,
    ) -> None:
        self._url = url
        self._headers = headers
        self._timeout = timeout
        self._transport = transport
        self._ids = itertools.count(1)

    def with_timeout(self, timeout: float | None) -> _Connection:
        return _Connection(self._url, self._headers, timeout, self._transport)

    def call(self, spec: _Spec[_T], params: dict[str, Any], /) -> _T:
        if spec.notification:
            self.notify(spec, params)
            return cast(_T, None)
        number = next(self._ids)
        request = self._request(spec, params, number)
        answer = self._post(spec.name, request, spec.deadline)
        return cast(_T, _result_of(spec.name, answer, number, spec.errors))

    def notify(self, spec: _Spec[Any], params: dict[str, Any]) -> None:
        answer = self._post(spec.name, self._request(spec, params, None), None)
        # Only what was not taken at all is answered.
        if isinstance(answer, dict) and "error" in answer:
            _result_of(spec.name, answer, None, spec.errors)

    def batch(
        self, calls: list[tuple[_Spec[Any], dict[str, Any], Reply[Any] | None]]
    ) -> None:
        if not calls:
            return
        requests, replies = [], []
        for spec, params, reply in calls:
            is_call = reply is not None and not spec.notification
            number = next(self._ids) if is_call else None
            requests.append(self._request(spec, params, number))
            if reply is not None:
                replies.append((number, reply))
        deadlines = [spec.deadline for spec, _, _ in calls]
        known = [deadline for deadline in deadlines if deadline is not None]
        latest = max(known) if len(known) == len(deadlines) else None
        answers = self._post("a batch", requests, latest)
        if isinstance(answers, dict):
            _result_of("a batch", answers, None, {})
        by_id = {}
        for answer in answers if isinstance(answers, list) else []:
            if isinstance(answer, dict) and isinstance(answer.get("id"), int):
                by_id[answer["id"]] = answer
        for number, reply in replies:
            if number is None:
                reply._read({"result": None}, None)
            else:
                reply._read(by_id.get(number), number)

    def _request(
        self, spec: _Spec[Any], params: dict[str, Any], number: int | None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"jsonrpc": "2.0", "method": spec.name}
        if spec.positional is not None:
            values = [params.get(name, UNSET) for name in spec.positional]
            while values and values[-1] is UNSET:
                values.pop()
            if values:
                values = [None if value is UNSET else value for value in values]
                request["params"] = values
        else:
            sent = {name: value for name, value in params.items() if value is not UNSET}
            if sent:
                request["params"] = sent
        if number is not None:
            request["id"] = number
        return request

    def _post(self, method: str, message: Any, deadline: float | None) -> Any:
        # JSON has neither infinities nor NaN.
        body = json.dumps(message, allow_nan=False).encode()
        headers = dict(self._headers)
        wait = None if deadline is None else deadline + self.GRACE
        if self._timeout is not None:
            wait = self._timeout
            # Zero is not a valid timeout.
            headers["Request-Timeout"] = f"{max(wait, 0.000001):.6f}"
        try:
            status, answer = self._transport(self._url, body, headers, wait)
        except TimeoutError as error:
            raise TimedOutError(method, f"no answer within {wait} s") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise TimedOutError(method, f"no answer within {wait} s") from error
            raise TransportError(method, str(reason) or repr(reason)) from error
        if not answer.strip() and 200 <= status < 300:
            return None
        try:
            return json.loads(answer, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            shown = answer[:200].decode(errors="replace")
            message = f"HTTP status {status}, no JSON: {shown!r}"
            raise BadResponseError(method, message) from error


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _result_of(
    method: str, answer: Any, number: int | None, errors: Mapping[int, type[RpcError]]
) -> Any:
    """Returns the result in an answer, or raises the error in it."""
    if not isinstance(answer, dict):
        raise BadResponseError(method, "there is no answer to the call")
    error, own = answer.get("error"), answer.get("id")
    if isinstance(error, dict) and (own is None or own == number):
        code, message = error.get("code"), error.get("message")
        if not isinstance(code, int) or not isinstance(message, str):
            raise BadResponseError(method, "its error has no code or no message")
        error_type = errors.get(code) or _COMMON_ERRORS.get(code) or UnlistedError
        raise error_type(method, code, message, error.get("data"))
    if own != number or "result" not in answer:
        raise BadResponseError(method, "it is not an answer to the call")
    return answer["result"]


def _recorded(
    method: Callable[..., Any], args: Any, kwargs: Any
) -> tuple[_Spec[Any], dict[str, Any]]:
    """Returns the call that a method of the client would make."""
    calls: list[tuple[_Spec[Any], dict[str, Any]]] = []

    def record(spec: _Spec[Any], params: dict[str, Any]) -> Any:
        calls.append((spec, params))

    bound: Any = method
    if hasattr(getattr(bound, "__self__", None), "_invoke"):
        recorder = copy.copy(bound.__self__)
        recorder._invoke = record
        bound.__func__(recorder, *args, **kwargs)
    if len(calls) != 1:
        raise TypeError("the first argument has to be a method of a client")
    return calls[0]
