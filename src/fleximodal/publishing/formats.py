"""The files of a table: CSV at full precision; Markdown, LaTeX and HTML for reading."""

import html
import re
from pathlib import Path

import pandas as pd

from fleximodal.io.atomic import write_text
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.views import caption, cost_view, metric_view

COST_TITLE = "Cost of the same rows"
TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "–": "--",
    **{character: "\\" + character for character in "&%$#_{}"},
}
STYLE = """
body { font-family: sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: 0.3em 0.8em; text-align: left; white-space: nowrap; }
thead th { border-top: 2px solid; border-bottom: 1px solid; }
tbody tr:last-child td { border-bottom: 2px solid; }
p { max-width: 60em; }
""".strip()


def write_table(frame: pd.DataFrame, declaration: TableDeclaration, folder: Path | str) -> None:
    """Write NAME.csv, NAME.md, NAME.tex and NAME.html of a table into `folder`."""
    texts = {
        "csv": frame.to_csv(index=False, lineterminator="\n"),
        "md": as_markdown(frame, declaration),
        "tex": as_latex(frame, declaration),
        "html": as_html(frame, declaration),
    }
    for suffix, text in texts.items():
        write_text(Path(folder) / f"{declaration.name}.{suffix}", text)


def escape_markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    return re.sub(r"([\\|*_<`])", r"\\\1", text)


def escape_latex(text: str) -> str:
    """Return `text` so that LaTeX sets it as it is."""
    return "".join(TEX.get(character, character) for character in text)


def as_markdown(frame: pd.DataFrame, declaration: TableDeclaration) -> str:
    """Return a heading, the metrics, the caption and the costs."""

    def block(view: pd.DataFrame) -> str:
        shown = view.map(escape_markdown).rename(columns=escape_markdown)
        return shown.to_markdown(index=False, disable_numparse=True)

    parts = [
        f"# {escape_markdown(declaration.title)}",
        block(metric_view(frame, declaration)),
        escape_markdown(caption(frame, declaration)),
    ]
    costs = cost_view(frame)
    if len(costs):
        parts += [f"## {COST_TITLE}", block(costs)]
    return "\n\n".join(parts) + "\n"


def as_latex(frame: pd.DataFrame, declaration: TableDeclaration) -> str:
    """Return table floats with booktabs rules; the head says which packages they need."""

    def block(view: pd.DataFrame, words: str, label: str) -> str:
        shown = view.map(escape_latex).rename(columns=escape_latex)
        tabular = shown.style.hide(axis="index").to_latex(
            hrules=True, column_format="l" * shown.shape[1]
        )
        return (
            "\\begin{table}\n\\centering\n"
            f"\\caption{{{escape_latex(words)}}}\n\\label{{{label}}}\n"
            f"\\begin{{adjustbox}}{{max width=\\textwidth}}\n{tabular}\\end{{adjustbox}}\n"
            "\\end{table}\n"
        )

    label = f"tab:{declaration.name}"
    words = f"{declaration.title}. {caption(frame, declaration)}"
    text = "% needs the packages booktabs and adjustbox, and UTF-8 input\n"
    text += block(metric_view(frame, declaration), words, label)
    costs = cost_view(frame)
    if len(costs):
        text += block(costs, f"{declaration.title}. {COST_TITLE}.", f"{label}-cost")
    return text


def as_html(frame: pd.DataFrame, declaration: TableDeclaration) -> str:
    """Return a page that needs no other file."""

    def block(view: pd.DataFrame) -> str:
        return view.to_html(index=False, border=0, justify="left")

    title = html.escape(declaration.title)
    body = [
        f"<h1>{title}</h1>",
        block(metric_view(frame, declaration)),
        f"<p>{html.escape(caption(frame, declaration))}</p>",
    ]
    costs = cost_view(frame)
    if len(costs):
        body += [f"<h2>{COST_TITLE}</h2>", block(costs)]
    head = f'<meta charset="utf-8">\n<title>{title}</title>\n<style>\n{STYLE}\n</style>'
    content = "\n".join(body)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n{content}\n</body>\n</html>\n"
    )
