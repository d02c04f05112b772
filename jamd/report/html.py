"""Pieces of the page: tables, paragraphs, pictures. All text is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

STYLE = """
:root { --ink: #26262b; --soft: #6b6b75; --line: #dcdce2; --tint: #f6f6f9; --blue: #2563a8; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.2rem 5rem; max-width: 74rem; color: var(--ink);
  background: #fff; font: 16px/1.55 Helvetica, Arial, "Liberation Sans", sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; }
h2 { margin: 3.2rem 0 .4rem; padding-top: .9rem; border-top: 2px solid var(--ink); }
h3 { margin: 2rem 0 .3rem; font-size: 1.1rem; }
p { max-width: 52rem; margin: .5rem 0; }
.soft, small { color: var(--soft); }
.reading { border-left: 4px solid var(--blue); background: var(--tint); padding: .6rem .9rem;
  margin: .6rem 0 1.4rem; }
nav a { margin-right: 1.1rem; }
a { color: var(--blue); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem; }
th, td { padding: .28rem .7rem; text-align: right; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th { font-weight: 600; background: var(--tint); vertical-align: bottom; white-space: normal;
  max-width: 10rem; }
td:first-child, th:first-child { text-align: left; }
th.long { text-align: left; }
td.long { white-space: normal; text-align: left; min-width: 16rem; }
tr.total td { font-weight: 600; border-bottom: 2px solid var(--line); }
img { max-width: 100%; height: auto; display: block; margin: .4rem 0; }
figure { margin: .8rem 0 1.6rem; }
.side { margin: .2rem 0 .4rem; }
audio { height: 34px; vertical-align: middle; margin-right: .8rem; max-width: 100%; }
details > summary { cursor: pointer; margin: .6rem 0; color: var(--blue); }
@media print { details { display: block; } }
"""


def page(title: str, body: Sequence[str]) -> str:
    """A whole document; it refers to nothing outside its folder."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>\n",
        ]
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` is `reading` or `soft`."""
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{escape(text)}</p>"


def heading(text: str, level: int, anchor: str = "") -> str:
    """A heading, to which links to `anchor` lead."""
    attribute = f' id="{escape(anchor)}"' if anchor else ""
    return f"<h{level}{attribute}>{escape(text)}</h{level}>"


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    totals: Sequence[int] = (),
    long: Sequence[int] = (),
) -> str:
    """A table; `totals` are the rows in bold, `long` the columns whose text is wrapped."""
    head = "".join(
        f'<th class="long">{escape(column)}</th>' if j in long else f"<th>{escape(column)}</th>"
        for j, column in enumerate(columns)
    )
    lines = ["<div class='wide'><table>", f"<thead><tr>{head}</tr></thead>", "<tbody>"]
    for i, row in enumerate(rows):
        kind = ' class="total"' if i in totals else ""
        kinds = (' class="long"' if j in long else "" for j in range(len(row)))
        cells = (f"<td{k}>{escape(cell)}</td>" for k, cell in zip(kinds, row, strict=True))
        lines.append(f"<tr{kind}>{''.join(cells)}</tr>")
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


def image(file: str, text: str) -> str:
    """A picture beside the page; `text` is for those who cannot see it."""
    return f'<figure><img src="{quote(file)}" alt="{escape(text)}" loading="lazy"></figure>'


def sound(file: str) -> str:
    """A player for a sound file beside the page."""
    return f'<audio controls preload="none" src="{quote(file)}"></audio>'


def link(file: str, text: str) -> str:
    """A link to a file beside the page."""
    return f'<a href="{quote(file)}">{escape(text)}</a>'


def link_within(anchor: str, text: str) -> str:
    """A link to the heading with that anchor."""
    return f'<a href="#{escape(anchor)}">{escape(text)}</a>'
