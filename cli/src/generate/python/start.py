
_T = TypeVar("_T")
_P = ParamSpec("_P")


class Unset(Enum):
    """The type of a parameter that is not sent, which differs from null."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
