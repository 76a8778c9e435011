"""The peers are locked, and beside them runs what is shipped."""

from __future__ import annotations

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.children import ROOT
from benchmarks.peers import DISTRIBUTIONS

PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ ]+)( ; [^\\]+)? \\$", re.MULTILINE)


def pins(lock: str) -> set[tuple[str, str, str]]:
    return set(PIN.findall((ROOT / "requirements" / lock).read_text(encoding="utf-8")))


def test_every_peer_is_asked_for_and_locked() -> None:
    asked = (ROOT / "requirements" / "bench.in").read_text(encoding="utf-8").split()
    wanted = {canonicalize_name(Requirement(line).name) for line in asked}
    assert wanted >= set(map(canonicalize_name, DISTRIBUTIONS.values()))
    assert {name for name, _, _ in pins("bench.txt")} >= wanted


def test_beside_the_peers_runs_what_is_shipped() -> None:
    assert {(name, version) for name, version, _ in pins("run.txt")} <= {
        (name, version) for name, version, _ in pins("bench.txt")
    }
