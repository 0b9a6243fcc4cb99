

class CallError(Exception):
    """A call that failed. All errors of this client extend this class."""

    def __init__(self, method: str, message: str) -> None:
        super().__init__(method, message)
        self.method = method
        self.message = message

    def __str__(self) -> str:
        return f"{self.method}: {self.message}"


class RpcError(CallError):
    """An error that the server answered with."""

    data: Any

    def __init__(self, method: str, code: int, message: str, data: Any) -> None:
        super().__init__(method, message)
        self.args = (method, code, message, data)
        self.code = code
        self.data = data

    def __str__(self) -> str:
        shown = "" if self.data is None else f" {json.dumps(self.data)}"
        return f"{self.method}: {self.code} {self.message}{shown}"


class UnlistedError(RpcError):
    """An error of the server whose code the document does not list."""


class TransportError(CallError):
    """The server could not be reached, or the connection broke.

    The call may have run.
    """


class TimedOutError(CallError):
    """The timeout passed before the answer came. The call may have run."""


class BadResponseError(CallError):
    """What came back is not an answer to the call, which may have run."""
