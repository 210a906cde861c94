"""Compiles the contracts into typed Python stubs: the build hook of andon-protos."""

from __future__ import annotations

import importlib.resources
import sys
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


def compile_protos(root: Path) -> None:
    # Stubs of a contract that is gone, or has another name now, would be registered a second time.
    for stub in root.glob("andon/**/*_pb2*.py*"):
        stub.unlink()
    sources = sorted(str(path.relative_to(root)) for path in root.glob("andon/**/*.proto"))
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    plugins = Path(sys.executable).parent
    outcome = protoc.main(
        [
            "protoc",
            f"--proto_path={root}",
            f"--proto_path={well_known}",
            f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
            f"--python_out={root}",
            f"--grpc_python_out={root}",
            f"--mypy_out=quiet:{root}",
            f"--mypy_grpc_out=quiet:{root}",
            *sources,
        ]
    )
    if outcome != 0:
        raise SystemExit(f"protoc failed with {outcome}")


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        compile_protos(ROOT)
