"""Personal state: preferences, saved views, uploads, and who is editing what.

None of it is a record, and none of it grants anything. It is shown to people through the policy, as
everything is: a view is an address, not what is found there.
"""

from admin_app.desk.place import OPENS, PINS, Place, place_of
from admin_app.desk.preferences import keep_preference, preferences
from admin_app.desk.presence import Editor, begin_editing, end_editing
from admin_app.desk.tables import EditorRow, PreferenceRow, UploadRow, ViewRow
from admin_app.desk.uploads import (
    Upload,
    begin_work,
    choose,
    content_of,
    keep_upload,
    tell_work,
    upload_of,
)
from admin_app.desk.views import SavedView, change_view, list_views, remove_view, save_view

__all__ = [
    "OPENS",
    "PINS",
    "Editor",
    "EditorRow",
    "Place",
    "PreferenceRow",
    "SavedView",
    "Upload",
    "UploadRow",
    "ViewRow",
    "begin_editing",
    "begin_work",
    "change_view",
    "choose",
    "content_of",
    "end_editing",
    "keep_preference",
    "keep_upload",
    "list_views",
    "place_of",
    "preferences",
    "remove_view",
    "save_view",
    "tell_work",
    "upload_of",
]
