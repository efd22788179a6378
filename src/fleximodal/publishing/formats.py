"""The files of a table: CSV at full precision; Markdown, LaTeX and HTML for reading."""

import html
import re
from pathlib import Path

import pandas as pd

from fleximodal.io.atomic import write_text
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.html_page import page_html, table_html
from fleximodal.publishing.page import Page
from fleximodal.publishing.views import page_of

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


def write_table(frame: pd.DataFrame, declaration: TableDeclaration, folder: Path | str) -> None:
    """Write NAME.csv, NAME.md, NAME.tex and NAME.html of a declared table into `folder`."""
    write_page(frame, page_of(frame, declaration), folder)


def write_page(frame: pd.DataFrame, page: Page, folder: Path | str) -> None:
    """Write NAME.csv from `frame`, and NAME.md, NAME.tex and NAME.html from `page`."""
    texts = {
        "csv": frame.to_csv(index=False, lineterminator="\n"),
        "md": as_markdown(page),
        "tex": as_latex(page),
        "html": as_html(page),
    }
    for suffix, text in texts.items():
        write_text(Path(folder) / f"{page.name}.{suffix}", text)


def escape_markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    return re.sub(r"([\\|*_<`])", r"\\\1", text)


def escape_latex(text: str) -> str:
    """Return `text` so that LaTeX sets it as it is."""
    return "".join(TEX.get(character, character) for character in text)


def as_markdown(page: Page) -> str:
    """Return a heading, the table, its caption and the further tables."""

    def block(view: pd.DataFrame) -> str:
        shown = view.map(escape_markdown).rename(columns=escape_markdown)
        return shown.to_markdown(index=False, disable_numparse=True)

    parts = [
        f"# {escape_markdown(page.title)}",
        block(page.view),
        escape_markdown(page.caption),
    ]
    for heading, view in page.more:
        parts += [f"## {escape_markdown(heading)}", block(view)]
    return "\n\n".join(parts) + "\n"


def as_latex(page: Page) -> str:
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

    label = f"tab:{page.name}"
    text = "% needs the packages booktabs and adjustbox, and UTF-8 input\n"
    text += block(page.view, f"{page.title}. {page.caption}", label)
    for heading, view in page.more:
        text += block(view, f"{page.title}. {heading}.", f"{label}-{heading.split()[0].lower()}")
    return text


def as_html(page: Page) -> str:
    """Return a page that needs no other file, with tables that can be sorted."""
    blocks = [table_html(page.view, page.title), f"<p>{html.escape(page.caption)}</p>"]
    for heading, view in page.more:
        blocks += [f"<h2>{html.escape(heading)}</h2>", table_html(view, heading)]
    return page_html(page.title, blocks)
