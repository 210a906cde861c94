"""Checks a kustomization folder against every rule: `python -m deploy.check deploy/kubernetes/overlays/dev`."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.declared import suite
from deploy.render import render
from deploy.rules import findings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.check", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with kustomization.yaml")
    found = findings(render(parser.parse_args().folder), suite())
    for one in found:
        print(one)
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
