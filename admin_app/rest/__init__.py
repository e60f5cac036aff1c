"""The REST surface: parses requests, renders answers and problems. Holds no rule and no SQL."""

from admin_app.rest.errors_page import errors_router
from admin_app.rest.problems import install_problems
from admin_app.rest.router import PREFIX, document_of, resource_routes, rest_router

__all__ = [
    "PREFIX",
    "document_of",
    "errors_router",
    "install_problems",
    "resource_routes",
    "rest_router",
]
