"""Every link between documents leads somewhere: the file is there, and so is the heading."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "deploy/**/*.md", "umbrel/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(path):
    """The names under which GitHub lets one jump to the headings of a file."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        names.append(f"{name}-{names.count(name)}" if name in names else name)
    return names


def broken(path, root=ROOT):
    """The links of a document that lead nowhere."""
    found = []
    for target in LINK.findall(CODE.sub("code", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if (
            not there.is_relative_to(root)
            or not there.exists()
            or (anchor and (there.suffix != ".md" or anchor not in anchors(there)))
        ):
            found.append(target)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_document_lead_somewhere(path):
    """Relative ones: the network is nobody's test."""
    assert not broken(path)


def test_every_page_of_the_documents_is_in_their_index():
    """docs/README.md is where one looks."""
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}

    assert pages
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_a_link_to_nothing_is_noticed(tmp_path):
    """Missing files, missing headings, and code that only looks like a link."""
    page = tmp_path / "page.md"
    page.write_text("# A b\n\n[x](nowhere.md) [y](#a-b) [z](#c) [`v`](../out.md) `[w](gone.md)`\n")

    assert broken(page, tmp_path) == ["nowhere.md", "#c", "../out.md"]
