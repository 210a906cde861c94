"""Page tokens: where a list goes on, valid only for the list that gave it."""

import base64
import binascii
import json
from dataclasses import dataclass

from services.runtime.errors import FieldViolation, InvalidArgument

PAGE_SIZE = 100
PAGE_SIZE_MAX = 1_000


@dataclass(frozen=True)
class PageToken:
    method: str
    filter: str
    position: int
    last: str

    def text(self) -> str:
        """
        >>> PageToken.read(PageToken("ListSources", "", 0, "desk").text(), "ListSources").last
        'desk'
        """
        parts = json.dumps([self.method, self.filter, self.position, self.last])
        return base64.urlsafe_b64encode(parts.encode()).decode()

    @classmethod
    def read(cls, text: str, method: str, filter: str = "") -> "PageToken":
        """Empty: the beginning."""
        if not text:
            return cls(method, filter, -1, "")
        try:
            token = cls(*json.loads(base64.b64decode(text, altchars=b"-_", validate=True)))
        except (binascii.Error, ValueError, TypeError) as error:
            raise _invalid() from error
        # A token of another list, or of this one with another filter, would silently skip.
        if (token.method, token.filter) != (method, filter) or not isinstance(token.position, int):
            raise _invalid()
        if not isinstance(token.last, str):
            raise _invalid()
        return token


def _invalid() -> InvalidArgument:
    violation = FieldViolation("page_token", "not a token of this list", "PAGE_TOKEN_INVALID")
    return InvalidArgument("PAGE_TOKEN_INVALID", "the page token is not of this list", field_violations=[violation])


def page_size(asked: int) -> int:
    """0: 100."""
    if not 0 <= asked <= PAGE_SIZE_MAX:
        violation = FieldViolation("page_size", f"1 to {PAGE_SIZE_MAX}", "FIELD_INVALID")
        raise InvalidArgument("FIELD_INVALID", "the page size is out of range", field_violations=[violation])
    return asked or PAGE_SIZE
