"""Records as files: a list to take along, and a file to take in."""

from __future__ import annotations

from admin_app.panel.routing import BOTH, POST, Page
from admin_app.panel.transfer.exporting import export, file
from admin_app.panel.transfer.importing import preview, refused, run, start, template, upload

PAGES = [
    Page("export", "/{identity}/export", export, of="resource"),
    Page("export_file", "/{identity}/export/file", file, of="resource"),
    Page("import", "/{identity}/import", start, BOTH, of="resource"),
    Page("import_template", "/{identity}/import/template", template, of="resource"),
    Page("upload", "/{identity}/import/{upload}", upload, BOTH, of="resource"),
    Page("import_preview", "/{identity}/import/{upload}/preview", preview, of="resource"),
    Page("import_run", "/{identity}/import/{upload}/run", run, POST, of="resource"),
    Page("import_refused", "/{identity}/import/{upload}/refused", refused, of="resource"),
]
