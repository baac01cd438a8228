"""The guides for Python users run as they stand. The blocks marked `python` of a guide are one program, run from top to bottom;
a `text` block is what the block before it prints. Without one, a block prints nothing.
Run as a program, this file writes into the guides what their blocks print: read the difference before you commit it."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import re
import tempfile

import pytest

import mlx.core as mx

DOCS = pathlib.Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.M | re.S)
GUIDES = [guide for guide in sorted(DOCS.glob("*.md")) if BLOCK.search(guide.read_text(encoding="utf-8"))]


def run(source, guide, line, names):
    """What a block prints; errors name its line in the guide."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * line + source, str(guide), "exec"), names)
    return printed.getvalue()


def blocks(guide):
    """Each block's match and what it prints, run one after the other in one namespace."""
    text, names = guide.read_text(encoding="utf-8"), {"__name__": "guide"}
    for match in BLOCK.finditer(text):
        yield match, run(match[1], guide, text.count("\n", 0, match.start(1)), names)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_guide_prints_what_it_says(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mx.random.seed(0)
    for match, printed in blocks(guide):
        assert printed == (match[2] or ""), f"after {match[1]}"


def test_guides_are_found():
    assert len(GUIDES) >= 8


@pytest.mark.parametrize("guide", [*GUIDES, DOCS / "README.md"], ids=lambda guide: guide.stem)
def test_links_lead_somewhere(guide):
    for link in re.findall(r"\]\(([^)#:]+)\)", guide.read_text(encoding="utf-8")):
        assert (DOCS / link).exists(), link


def write(guide):
    mx.random.seed(0)
    text, end, out = guide.read_text(encoding="utf-8"), 0, []
    for match, printed in blocks(guide):
        out.append(text[end : match.start()] + f"```python\n{match[1]}```\n" + (f"```text\n{printed}```\n" if printed else ""))
        end = match.end()
    guide.write_text("".join(out) + text[end:], encoding="utf-8")


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    for guide in GUIDES:
        write(guide)
