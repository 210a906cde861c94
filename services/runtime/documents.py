"""Settings that need a document: YAML that is checked whole, and whose faults show no value of it."""

from __future__ import annotations

from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from services.runtime.names import SOURCE, TENANT

TenantName = Annotated[str, StringConstraints(pattern=f"^(?:{TENANT.pattern})$")]
SourceName = Annotated[str, StringConstraints(pattern=f"^(?:{SOURCE.pattern})$")]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class BadDocument(ValueError):
    """Says each key at fault and why, and shows no value: some are secrets."""


DocumentT = TypeVar("DocumentT", bound=Document)


def parse_document(kind: type[DocumentT], text: str) -> DocumentT:
    """Raises BadDocument."""
    try:
        return kind.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = "" if line is None else f" at line {line + 1}"
        raise BadDocument(f"no YAML{where}: {getattr(error, 'problem', None) or 'unreadable'}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        said = (f"{'.'.join(map(str, fault['loc'])) or 'the document'}: {fault['msg']}" for fault in faults)
        raise BadDocument("; ".join(said)) from None
