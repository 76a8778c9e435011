"""Rules of the project that no other tool checks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ninja_daemon

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ninja_daemon"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

ENVIRONMENT = (
    "OANDA_ACCESS_TOKEN",
    "OANDA_ACCOUNT_ID",
    "OANDA_ENVIRONMENT",
    "OANDA_API_URL",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "CACHE_ENABLED",
    "CACHE_TTL_MA_STATE",
    "CACHE_TTL_LAST_PROCESSED",
    "NINJA_CONFIG",
    "NINJA_NAMESPACE",
    "NINJA_STATE_DIR",
    "NINJA_METRICS",
    "NINJA_PING_URL",
    "NINJA_PING_INSECURE",
    "NINJA_ENV_FILE",
)

LOCK_HEADER = re.compile(r"# Made by `make lock`[^/\\]*")
LOCK_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][0-9a-z.+!]*)(?: ; (?P<marker>[^:/\\#]+))? \\")
LOCK_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?")

PLACES = re.compile(r"(?<![\w.}])/(?:work|root|Users|opt/pypi)/\w")
INDEXES = re.compile(r"py[p]i\.org/simple|files\.py[t]honhosted|inde[x]-url")
LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\((?P<target>[^)\s#]+)(?:#[^)\s]*)?\)")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git holds or would take, so that a rule speaks before the commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    files = (ROOT / name.decode() for name in names if name)
    return tuple(path for path in files if path.is_file())


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern is found, except here, where it is written."""
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts()
        if ROOT / path != Path(__file__)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def imported_libraries(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    froms = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.partition(".")[0] for name in named | froms}


def pins(lock: Path) -> dict[str, list[str]]:
    """Versions by name; a name has several where markers choose one."""
    found: dict[str, list[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := LOCK_PIN.fullmatch(line):
            found.setdefault(match["name"], []).append(match["version"])
    return found


def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


# --------------------------------------------------------------------------------------------------- who imports what


def test_every_library_that_is_imported_is_named_by_the_contract_of_homes() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (homes,) = (contract for contract in contracts if contract["id"] == "homes")
    known = {*homes["forbidden_modules"], *sys.stdlib_module_names, "ninja_daemon"}
    strangers = {
        f"{path.relative_to(ROOT)} imports {library}"
        for path in PACKAGE.rglob("*.py")
        for library in imported_libraries(path) - known
    }
    assert not strangers, "name it in pyproject.toml, with its home"


# ------------------------------------------------------------------------------------------------------------- words


def test_a_public_class_name_has_one_meaning() -> None:
    named: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named.setdefault(node.name, []).append(path.relative_to(PACKAGE).as_posix())
    del named["Options"]  # of each channel
    assert {name: places for name, places in named.items() if len(places) > 1} == {}


def test_each_folder_says_what_lives_there_and_what_does_not() -> None:
    docs = {
        path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in PACKAGE.rglob("__init__.py")
    }
    assert [path for path, doc in docs.items() if "\n\n" not in (doc or "")] == []


# ------------------------------------------------------------------------------------------------------------- locks


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_names_versions_markers_and_hashes_only(lock: Path) -> None:
    header, *lines = lock.read_text(encoding="utf-8").splitlines()
    assert LOCK_HEADER.fullmatch(header)
    due = "pin"
    for line in lines:
        match = (LOCK_PIN if due == "pin" else LOCK_HASH).fullmatch(line)
        assert match, f"{lock.name} must hold a {due} here, was {line!r}"
        due = "pin" if due == "hash" and not match["more"] else "hash"
    assert due == "pin", f"{lock.name} ends in the middle"


@pytest.mark.parametrize(
    ("lock", "extras"), [("run.txt", ["demo"]), ("dev.txt", ["demo", "apprise", "test", "check"])], ids=["run", "dev"]
)
def test_a_lock_has_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    table = project()["project"]
    assert isinstance(table, dict)
    asked = [*table["dependencies"], *(line for extra in extras for line in table["optional-dependencies"][extra])]
    locked = pins(ROOT / "requirements" / lock)
    for requirement in map(Requirement, asked):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{lock} lacks {requirement.name}; `make lock` adds it"
        for version in versions:
            assert requirement.specifier.contains(version), f"{lock} has {version} of {requirement}; `make lock`"


def test_what_runs_is_what_was_tested() -> None:
    run, dev = pins(ROOT / "requirements" / "run.txt"), pins(ROOT / "requirements" / "dev.txt")
    assert {name: dev.get(name) for name in run} == run


def test_the_locked_build_tool_is_the_one_that_the_project_asks_for() -> None:
    build = project()["build-system"]
    assert isinstance(build, dict)
    asked = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").split()
    assert asked == build["requires"]


# ------------------------------------------------------------------------------------------------------------- files


def test_no_file_names_a_place_of_somebodys_machine() -> None:
    assert not lines_with(PLACES)


def test_no_file_names_a_package_index() -> None:
    assert not lines_with(INDEXES)


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{path}: {match['target']}"
        for path, text in texts()
        if path.suffix == ".md"
        for match in LINK.finditer(text)
        if not re.match(r"[a-z]+:", match["target"]) and not (ROOT / path.parent / match["target"]).exists()
    ]
    assert not dead


def test_the_index_of_decisions_names_each_record_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    missing = [
        line
        for path in sorted(folder.glob("[0-9]*.md"))
        if (line := f"[{path.read_text(encoding='utf-8').splitlines()[0].removeprefix('# ')}]({path.name})")
        not in index
    ]
    assert not missing


LONG_PAGE = 100  # lines, two screens


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "BENCHMARKS.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_longer_than_two_screens_lists_its_sections(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if text.count("\n") <= LONG_PAGE:
        return
    sections = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    links = [f"[{name}](#{_anchor(name)})" for name in sections]
    assert [link for link in links if link not in text] == []


def test_the_changelog_has_the_usual_headings_in_their_order() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    usual = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        headings = re.findall(r"^### (.+)$", part, flags=re.MULTILINE)
        assert headings == sorted(headings, key=usual.index)


def test_the_changelog_begins_with_the_packages_version_or_what_is_unreleased() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([^\]\s]+)", text, flags=re.MULTILINE)
    released = [heading for heading in headings if heading.lower() != "unreleased"]
    assert headings, "CHANGELOG.md must have a heading a version: ## [0.1.0] - 2026-11-22"
    assert ninja_daemon.__version__ in released[:1] or (headings[0].lower() == "unreleased" and not released)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_every_name_of_the_environment_is_shown_in_the_example(name: str) -> None:
    text = (ROOT / "config" / "ninja.env.example").read_text(encoding="utf-8")
    assert re.search(rf"^#? ?{name}=", text, flags=re.MULTILINE), f"config/ninja.env.example must show {name}="


def test_a_built_package_carries_the_scripts_and_the_marks_and_no_tests(tmp_path: Path) -> None:
    for path in tracked_files():
        copy = tmp_path / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", build, str(tmp_path)]
    built = subprocess.run(command, cwd=tmp_path / "source", check=False, capture_output=True, text=True, timeout=50)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.is_relative_to(PACKAGE) and path.suffix in {".py", ".lua", ".toml", ".typed"}
    }
    assert expected <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]
    assert [name for name in names if name.endswith("/LICENSE")]
    assert "ninja-daemon = ninja_daemon.app.cli:main" in entry_points
