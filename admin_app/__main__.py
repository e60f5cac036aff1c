"""``python -m admin_app``: the same as ``admin-app``."""

from admin_app.cli import main

if __name__ == "__main__":
    main()
