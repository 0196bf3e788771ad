"""Tables with a column for each class, 1 for the picture's own and 0 for the others."""

from __future__ import annotations

from dataclasses import replace

from thriftnet.data.sources.rows import Row, TextTable

_MARKS = {"0": False, "0.0": False, "1": True, "1.0": True}
LABEL = "label"


def with_label_column(table: TextTable, image: int) -> TextTable:
    """The table with one label column in place of a column for each class; else unchanged.

    Args:
        table: A table with a header and without a label column.
        image: Position of the column of file names.
    """
    marked = [
        at
        for at in range(len(table.columns))
        if at != image and all(row.cells[at].strip() in _MARKS for row in table.rows)
    ]
    if len(marked) < 2 or not table.rows:
        return table
    rows: list[Row] = []
    for row in table.rows:
        own = [at for at in marked if _MARKS[row.cells[at].strip()]]
        if len(own) != 1:  # flags, not classes
            return table
        kept = [cell for at, cell in enumerate(row.cells) if at not in marked]
        rows.append(Row(row.line, [*kept, table.columns[own[0]]]))
    names = [name for at, name in enumerate(table.columns) if at not in marked]
    return replace(table, columns=[*names, LABEL], rows=rows)
