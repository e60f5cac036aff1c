"""Django, Django REST framework and django-filter, as their documentation shows them.

Models of tables that are there already, token authentication, a queryset of one's own books,
``select_related`` where an author is answered, no browsable pages.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

from benchmarks.contestants.given import PLAIN, SQLITE, hash_of

if SQLITE:
    database: dict[str, Any] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": PLAIN,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 15,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
        },
    }
else:
    address = urlsplit(PLAIN)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path.strip("/"),
        "USER": address.username,
        "HOST": parse_qs(address.query)["host"][0],
    }

settings.configure(
    DEBUG=False,
    SECRET_KEY="signs nothing here",  # noqa: S106
    ALLOWED_HOSTS=["127.0.0.1"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    APPEND_SLASH=False,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {**database, "CONN_MAX_AGE": None}},
    INSTALLED_APPS=["django_filters", "rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
)
django.setup()

# They read the settings when they are imported.
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.http import StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django_filters import rest_framework as filters  # noqa: E402
from rest_framework import exceptions, generics, pagination, serializers  # noqa: E402
from rest_framework.authentication import TokenAuthentication  # noqa: E402
from rest_framework.filters import OrderingFilter  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Price(models.DecimalField):
    """A decimal, which ours keeps on SQLite as a whole number of cents."""

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return Decimal(value).scaleb(-2) if SQLITE and value is not None else value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if SQLITE and value is not None:
            return int(Decimal(value).scaleb(2))
        return super().get_db_prep_save(value, connection)

    def get_db_converters(self, _connection: Any) -> list[Any]:
        return [self.from_db_value]

    def get_internal_type(self) -> str:
        return "BigIntegerField" if SQLITE else "DecimalField"


class Caller(models.Model):
    """A user of ours."""

    id = models.BigAutoField(primary_key=True)
    active = models.BooleanField()
    is_authenticated = True

    class Meta:
        managed, app_label, db_table = False, "bench", "admin_user"


class Token(models.Model):
    """A token of ours."""

    id = models.BigAutoField(primary_key=True)
    token_hash = models.CharField(max_length=64, unique=True)
    revoked_at = models.DateTimeField(null=True)
    user = models.ForeignKey(Caller, models.CASCADE)

    class Meta:
        managed, app_label, db_table = False, "bench", "admin_token"


class Author(models.Model):
    """An author."""

    id = models.BigAutoField(primary_key=True)
    version = models.IntegerField(default=1)
    name = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    born = models.IntegerField()

    class Meta:
        managed, app_label, db_table = False, "bench", "author"


class Book(models.Model):
    """A book."""

    id = models.BigAutoField(primary_key=True)
    version = models.IntegerField(default=1)
    title = models.CharField(max_length=200)
    pages = models.IntegerField()
    price = Price(max_digits=10, decimal_places=2)
    published = models.DateField()
    in_print = models.BooleanField()
    added_at = models.DateTimeField()
    author = models.ForeignKey(Author, models.PROTECT)
    owner_id = models.BigIntegerField()

    class Meta:
        managed, app_label, db_table = False, "bench", "book"


class Authentication(TokenAuthentication):
    """DRF's, on our table: it keeps hashes."""

    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[Caller, Token]:
        found = Token.objects.select_related("user").filter(
            token_hash=hash_of(key), revoked_at=None, user__active=True
        )
        token = found.first()
        if token is None:
            raise exceptions.AuthenticationFailed
        return token.user, token


class AuthorSerializer(serializers.ModelSerializer):
    """An author as it is answered."""

    class Meta:
        model = Author
        fields = ("id", "version", "name", "country", "born")


class BookSerializer(serializers.ModelSerializer):
    """A book as it is taken and answered."""

    price = serializers.DecimalField(max_digits=10, decimal_places=2)
    author_id = serializers.PrimaryKeyRelatedField(source="author", queryset=Author.objects.all())

    class Meta:
        model = Book
        fields: ClassVar[Any] = (
            *("id", "version", "title", "pages", "price", "published", "in_print", "added_at"),
            *("author_id", "owner_id"),
        )
        read_only_fields = ("version", "owner_id")


class BookWithAuthorSerializer(BookSerializer):
    """A book with its author inside."""

    author = AuthorSerializer()

    class Meta(BookSerializer.Meta):
        fields: ClassVar[Any] = (*BookSerializer.Meta.fields, "author")


class ManySerializer(serializers.ListSerializer):
    """Books in one INSERT (DRF: customizing multiple create)."""

    def create(self, validated_data: list[dict[str, Any]]) -> list[Book]:
        made: list[Book] = Book.objects.bulk_create(Book(**each) for each in validated_data)
        return made


class NewBookSerializer(BookSerializer):
    """One of many new books; its author is looked for as that of a single one is."""

    class Meta(BookSerializer.Meta):
        list_serializer_class = ManySerializer


class TunedSerializer(ManySerializer):
    """Books whose authors are looked for together, in one SELECT."""

    def validate(self, attrs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        wanted = {each["author_id"] for each in attrs}
        if Author.objects.filter(pk__in=wanted).count() != len(wanted):
            raise serializers.ValidationError("There is no such author.")
        return attrs


class TunedBookSerializer(BookSerializer):
    """One of them."""

    author_id = serializers.IntegerField()

    class Meta(BookSerializer.Meta):
        list_serializer_class = TunedSerializer


class BookFilter(filters.FilterSet):
    """``pages_gte``."""

    pages_gte = filters.NumberFilter("pages", "gte")

    class Meta:
        model = Book
        fields = ("pages_gte",)


class Counted(pagination.LimitOffsetPagination):
    """Pages with a count."""

    max_limit = 200


class Uncounted(pagination.CursorPagination):
    """Pages without."""

    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "id"


class Own:
    """What all views have in common: who may come, and which books those see."""

    authentication_classes = (Authentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = BookSerializer

    def get_queryset(self) -> Any:
        request: Any = self.request  # type: ignore[attr-defined]
        return Book.objects.filter(owner_id=request.user.id).order_by("id")


class Books(Own, generics.ListCreateAPIView):
    """A page, or a new book."""

    filter_backends = (filters.DjangoFilterBackend, OrderingFilter)
    ordering_fields = ("pages", "id")
    filterset_class = BookFilter
    pagination_class = Counted

    def perform_create(self, serializer: Any) -> None:
        serializer.save(owner_id=self.request.user.id)


class Uncountable(Own, generics.ListAPIView):
    """A page without a count."""

    pagination_class = Uncounted


class WithAuthor(Uncountable):
    """A page with authors."""

    serializer_class = BookWithAuthorSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("author")


class One(Own, generics.RetrieveUpdateAPIView):
    """One book."""


class Many(Own, APIView):
    """Many new books; their keys are answered."""

    serializer_class = NewBookSerializer

    def post(self, request: Any) -> Response:
        serializer = self.serializer_class(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        made = serializer.save(owner_id=request.user.id)
        return Response([each.pk for each in made], 201)


class Tuned(Many):
    """The same by hand."""

    serializer_class = TunedBookSerializer


class Echo:
    """A file whose writer gets back what it writes (Django: streaming large CSV files)."""

    def write(self, value: str) -> str:
        return value


class Export(Own, APIView):
    """All books."""

    def get(self, _request: Any) -> StreamingHttpResponse:
        return StreamingHttpResponse(self.lines(), content_type="text/csv")

    def lines(self) -> Iterator[str]:
        names = BookSerializer.Meta.fields
        writer: Any = csv.writer(Echo())
        yield writer.writerow(names)
        rows = self.get_queryset().values_list(*names)
        yield from map(writer.writerow, rows.iterator(chunk_size=2000))


urlpatterns = [
    path("books", Books.as_view()),
    path("books-uncounted", Uncountable.as_view()),
    path("books-with-author", WithAuthor.as_view()),
    path("books/bulk", Many.as_view()),
    path("books/bulk-tuned", Tuned.as_view()),
    path("books/<int:pk>", One.as_view()),
    path("books.csv", Export.as_view()),
]
application = get_wsgi_application()
