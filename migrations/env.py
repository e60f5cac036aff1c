"""The project's Alembic environment: settings and models reach it from ``admin-app db``."""

from admin_app.database.migrations import run_env

run_env()
