"""Import and export: files through the same write path and read path as every door."""

from admin_app.records.transfer.exporter import Export
from admin_app.records.transfer.files import (
    Format,
    Row,
    Table,
    csv_line,
    format_of,
    guard,
    read_table,
    unguard,
)
from admin_app.records.transfer.importer import Import
from admin_app.records.transfer.mapping import (
    REPORT_COLUMNS,
    Plan,
    Request,
    nearest,
    plan,
    read_request,
    request_from,
)
from admin_app.records.transfer.run import Failure, Outcome

__all__ = [
    "REPORT_COLUMNS",
    "Export",
    "Failure",
    "Format",
    "Import",
    "Outcome",
    "Plan",
    "Request",
    "Row",
    "Table",
    "csv_line",
    "format_of",
    "guard",
    "nearest",
    "plan",
    "read_request",
    "read_table",
    "request_from",
    "unguard",
]
