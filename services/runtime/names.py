"""Names as every part of the suite takes them."""

from __future__ import annotations

import re

# A tenant names rows, files and announcements: nothing that one of them would read otherwise.
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SOURCE = re.compile(r"[a-z0-9._-]{1,64}")
