"""The one shape of every HTML page: no other file, tables that sort, phone and print."""

import html
from collections.abc import Sequence

import pandas as pd

STYLE = """
:root { color-scheme: light; }
body { font-family: sans-serif; margin: 1.5em; color: #222; background: #fff; line-height: 1.4;
  overflow-wrap: break-word; }
h1 { font-size: 1.4em; }
h2 { font-size: 1.15em; margin-top: 1.6em; }
p, ul { max-width: 60em; }
.scroll { overflow-x: auto; margin: 1em 0; max-width: 100%; }
.scroll:focus-visible, button:focus-visible { outline: 3px solid #0072B2; outline-offset: 1px; }
table { border-collapse: collapse; }
th, td { padding: 0.3em 0.8em; text-align: left; vertical-align: top; white-space: nowrap; }
td.words, th.words { white-space: normal; min-width: 14em; max-width: 34em; }
thead th { border-top: 2px solid; border-bottom: 1px solid; vertical-align: bottom; }
tbody tr:last-child td { border-bottom: 2px solid; }
tbody tr:nth-child(even) { background: #f5f5f5; }
th button { all: unset; cursor: pointer; font-weight: bold; }
th button::after { content: " \\2195"; color: #767676; }
th[aria-sort=ascending] button::after { content: " \\2191"; color: #222; }
th[aria-sort=descending] button::after { content: " \\2193"; color: #222; }
@media (max-width: 40em) {
  body { margin: 0.8em; font-size: 0.9em; }
  th, td { padding: 0.25em 0.5em; }
  .wordy, .wordy tbody, .wordy tr, .wordy td { display: block; }
  .wordy thead tr { display: flex; flex-wrap: wrap; border-top: 2px solid; }
  .wordy thead th { border: 0; min-width: 0; }
  .wordy tbody tr { border-bottom: 1px solid; }
  .wordy tbody tr:last-child td { border: 0; }
  .wordy td, .wordy td.words { white-space: normal; min-width: 0; max-width: none; }
  .wordy td::before { content: attr(data-heading) ": "; font-weight: bold; }
}
@media print {
  @page { size: A4; margin: 12mm; }
  body { margin: 0; font-size: 9pt; }
  .scroll { overflow: visible; }
  table { font-size: 7pt; width: 100%; }
  th, td, td.words, th.words { white-space: normal; min-width: 0; padding: 0.15em 0.3em;
    overflow-wrap: anywhere; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  th button::after { content: ""; }
}
""".strip()
# Columns whose filled cells all begin with a number sort by it; empty cells and dashes come last.
SCRIPT = """
document.querySelectorAll("table").forEach(function (table) {
  const body = table.tBodies[0];
  const text = (row, place) => row.cells[place].textContent.trim();
  const number = function (words) {
    const found = /^[\\u2212+-]?(\\d[\\d,]*\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?/i.exec(words);
    return found ? Number(found[0].replace("\\u2212", "-").replace(/,/g, "")) : NaN;
  };
  const empty = (words) => /^[\\u2013\\u2014-]?$/.test(words);
  Array.from(table.tHead.rows[0].cells).forEach(function (head, place, heads) {
    const button = document.createElement("button");
    button.type = "button";
    while (head.firstChild) button.appendChild(head.firstChild);
    head.appendChild(button);
    button.addEventListener("click", function () {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = Array.from(body.rows);
      const filled = rows.map((row) => text(row, place)).filter((words) => !empty(words));
      const numeric = filled.every((words) => !Number.isNaN(number(words)));
      rows.sort(function (one, other) {
        const a = text(one, place), b = text(other, place);
        if (empty(a) || empty(b)) return empty(a) - empty(b);
        const order = numeric ? number(a) - number(b)
          : a.localeCompare(b, "en", { numeric: true });
        return up ? order : -order;
      });
      rows.forEach((row) => body.appendChild(row));
    });
  });
});
""".strip()
WORDY = 40  # characters from which on a cell may be broken into lines


def table_html(view: pd.DataFrame, name: str) -> str:
    """Return a table of text cells in a box of its own that scrolls where it is too wide.

    `name` is what a screen reader calls the box. Cells with many words are broken into lines;
    their line breaks are kept, and on a phone each row of such a table becomes a list. A click on
    a heading, or a key on it, sorts the rows.
    """
    rows = [[str(words) for words in row] for row in view.itertuples(index=False, name=None)]
    wordy = [any(len(row[place]) > WORDY for row in rows) for place in range(view.shape[1])]
    headings = [html.escape(str(column)) for column in view.columns]

    def cell(words: str, place: int) -> str:
        style = ' class="words"' if wordy[place] else ""
        heading = f' data-heading="{headings[place]}"' if any(wordy) else ""
        return f"<td{style}{heading}>{html.escape(words).replace(chr(10), '<br>')}</td>"

    head = "".join(
        f'<th scope="col"{" class=words" * wide}>{heading}</th>'
        for heading, wide in zip(headings, wordy, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(cell(words, place) for place, words in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{html.escape(name)}">\n'
        f"<table{' class=wordy' * any(wordy)}>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def page_html(title: str, blocks: Sequence[str]) -> str:
    """Return a whole page; `blocks` are the HTML below its heading, in order."""
    shown = html.escape(title)
    head = "\n".join(
        (
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{shown}</title>",
            f"<style>\n{STYLE}\n</style>",
        )
    )
    content = "\n".join((f"<h1>{shown}</h1>", *blocks, f"<script>\n{SCRIPT}\n</script>"))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n{content}\n</body>\n</html>\n"
    )
