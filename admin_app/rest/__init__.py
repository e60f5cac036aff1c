"""The REST surface: parses requests, renders answers and problems. Holds no rule and no SQL."""

from admin_app.rest.document import openapi_document
from admin_app.rest.problems import install_problems
from admin_app.rest.router import PREFIX, rest_router

__all__ = ["PREFIX", "install_problems", "openapi_document", "rest_router"]
