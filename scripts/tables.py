"""What the scripts that write bench/results/ share."""
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cpu_name():
    """The processor's name, as the kernel knows it."""
    text = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.M)
    return found.group(1).strip() if found else os.uname().machine


def table(columns, rows):
    """A markdown table, columns aligned."""
    cells = [columns, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def write(prefix, text):
    """Writes bench/results/<prefix><cpu>.md, headed by the processor's name."""
    name = cpu_name()
    path = ROOT / "bench" / "results" / (prefix + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".md")
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# {name}\n\n{text}")
    print(f"written to {path.relative_to(ROOT)}")
