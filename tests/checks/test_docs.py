"""Docs that drift fail: every setting, route, error code, command and make target is told where a reader looks."""

import re
from pathlib import Path

import typer.main

from dni.app import routes_of
from dni.cli import app
from dni.dashboard.figures import MEANING, WORDS
from dni.parts import Parts
from dni.settings import Settings

ROOT = Path(__file__).parents[2]


def text(*names: str) -> str:
    return "\n".join((ROOT / name).read_text() for name in names)


def test_every_setting_is_told() -> None:
    told = text("docs/settings.md")
    for name in Settings.__struct_fields__:
        assert f"`DNI_{name.upper()}`" in told, name


async def test_every_route_is_told(tmp_path: Path) -> None:
    told = text("docs/doors.md", "docs/api.md")
    parts = Parts(Settings(data_dir=tmp_path, redis_url="unix:///nowhere"))
    for path in routes_of(parts):
        short = path.removeprefix("/api/v1")
        assert f"{path}`" in told or f"{path} " in told or f"{short}`" in told, f"{path} is in no page of docs/"
    await parts.close()


def test_every_error_code_is_told() -> None:
    told = text("docs/errors.md")
    for file in (ROOT / "dni").rglob("*.py"):
        for code in re.findall(r"""code=(?:\w+ )?["'](\w+)["']""", file.read_text()):
            assert f"`{code}`" in told, f"{code} of {file.name}"


def test_every_command_is_told() -> None:
    told = text("README.md", "docs/commands.md")
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for inner in getattr(command, "commands", {"": None}):
            assert f"dni {name} {inner}".strip() in told


def test_every_make_target_is_told() -> None:
    told = text("README.md", "CONTRIBUTING.md")
    for target in re.findall(r"^(\w+):.*## ", text("Makefile"), re.MULTILINE):
        assert f"make {target}" in told, target


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_figure_and_word_is_told_as_the_pages_tell_it() -> None:
    told = text("docs/glossary.md")
    for name, meaning in (*MEANING.items(), *WORDS.items()):
        assert f"| {name} | {meaning} |" in told
