"""Import and export: files through the same write path and read path as every door."""

from admin_app.records.transfer.detection import SAMPLE, detect, encoding_of
from admin_app.records.transfer.exporter import Export, Labels
from admin_app.records.transfer.files import (
    ENCODINGS,
    FORMATS,
    Dialect,
    Encoding,
    Format,
    Row,
    Table,
    Written,
    csv_line,
    format_of,
    guard,
    read_table,
    unguard,
)
from admin_app.records.transfer.importer import Import, NothingKeptError
from admin_app.records.transfer.mapping import (
    MODES,
    REPORT_COLUMNS,
    Mode,
    Plan,
    Request,
    plan,
    read_pair,
    read_request,
    request_from,
)
from admin_app.records.transfer.outcomes import counts, row_outcomes
from admin_app.records.transfer.reporting import report_header, report_line
from admin_app.records.transfer.run import Done, Failure, Outcome

__all__ = [
    "ENCODINGS",
    "FORMATS",
    "MODES",
    "REPORT_COLUMNS",
    "SAMPLE",
    "Dialect",
    "Done",
    "Encoding",
    "Export",
    "Failure",
    "Format",
    "Import",
    "Labels",
    "Mode",
    "NothingKeptError",
    "Outcome",
    "Plan",
    "Request",
    "Row",
    "Table",
    "Written",
    "counts",
    "csv_line",
    "detect",
    "encoding_of",
    "format_of",
    "guard",
    "plan",
    "read_pair",
    "read_request",
    "read_table",
    "report_header",
    "report_line",
    "request_from",
    "row_outcomes",
    "unguard",
]
