"""What people keep at their place: preferences, saved views of lists, and what they are editing.

None of it is a record, and none of it says what anybody may do. What stands here is shown to
people through the policy, as everything is: a view is an address, not what is found there.
"""

from admin_app.desk.preferences import keep_preference, preferences
from admin_app.desk.presence import Editor, begin_editing, end_editing
from admin_app.desk.tables import EditorRow, PreferenceRow, ViewRow
from admin_app.desk.views import SavedView, change_view, list_views, remove_view, save_view

__all__ = [
    "Editor",
    "EditorRow",
    "PreferenceRow",
    "SavedView",
    "ViewRow",
    "begin_editing",
    "change_view",
    "end_editing",
    "keep_preference",
    "list_views",
    "preferences",
    "remove_view",
    "save_view",
]
