"""Who may do what by which credential, worked out in plain Python from what has happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

PASSWORDS = ("a long sentence, say", "another long sentence")


class Right(NamedTuple):
    """A grant, as the model knows it."""

    resource: str
    action: str
    rule: str | None = None


READ, READ_OWN = Right("book", "read"), Right("book", "read", "own")


CREATE, ACT = Right("book", "create"), Right("admin_user", "impersonate")


RIGHTS = (READ, READ_OWN, CREATE, ACT)


ROLES = {"chief": {READ, CREATE, ACT}, "owner": {READ_OWN, CREATE}, "deputy": {READ_OWN, ACT}}


SCOPES: tuple[tuple[str, ...] | None, ...] = (None, ("book:read",), ("*:create",), ("book:*",))


def covers(held: set[Right], wanted: set[Right]) -> bool:
    """Whether each right is held, on the same rows or on all."""
    return all(each in held or each._replace(rule=None) in held for each in wanted)


@dataclass
class Person:
    """Somebody, as the model knows them."""

    id: int
    name: str
    roles: set[str]
    book: int
    """The one book that is theirs."""
    active: bool = True
    password: int = 0


@dataclass
class Cookie:
    """A session: ``over`` for good once it has ended."""

    secret: str
    owner: Person
    over: bool = False
    acting_as: Person | None = None
    writes: bool = False


@dataclass
class Key:
    """An API token."""

    text: str
    owner: Person
    scopes: tuple[str, ...] | None
    over: bool = False


@dataclass(frozen=True)
class Sees:
    """What a request finds: which books, and whether it may make one."""

    books: frozenset[int]
    creates: bool


NOTHING = Sees(frozenset(), creates=False)


Seen = Sees | None
"""``None``: the credential stands for nobody."""


@dataclass
class Model:
    """Who may do what by which credential, worked out from what has happened."""

    roles: dict[str, set[Right]] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    cookies: list[Cookie] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    nobodys_book: int = 0

    def rights(self, person: Person) -> set[Right]:
        return set().union(*(self.roles[each] for each in person.roles))

    def by_cookie(self, cookie: Cookie) -> Seen:
        owner, other = cookie.owner, cookie.acting_as
        if cookie.over or not owner.active:
            return None
        if other is None:
            return self._sees(owner, self.rights(owner))
        rights = {each for each in self.rights(other) if cookie.writes or each.action == "read"}
        if not other.active or not covers(self.rights(owner), {ACT, *rights}):
            return None
        return self._sees(other, rights)

    def by_key(self, key: Key) -> Seen:
        if key.over or not key.owner.active:
            return None
        scopes = [each.split(":") for each in key.scopes or ["*:*"]]
        rights = {
            each
            for each in self.rights(key.owner)
            for resource, action in scopes
            if resource in {"*", each.resource} and action in {"*", each.action}
        }
        return self._sees(key.owner, rights)

    def _sees(self, person: Person, rights: set[Right]) -> Sees:
        books: set[int] = set()
        if READ_OWN in rights:
            books = {person.book}
        if READ in rights:
            books = {self.nobodys_book, *(each.book for each in self.people)}
        return Sees(frozenset(books), CREATE in rights)

    def close(self, person: Person, but: Cookie | None = None) -> None:
        """A person's sessions end."""
        for each in self.cookies:
            each.over |= each.owner is person and each is not but

    def new_password(self, person: Person, but: Cookie | None = None) -> None:
        """A person has another password: all that was opened with the old one ends."""
        person.password = 1 - person.password
        self.close(person, but)
        for each in self.keys:
            each.over |= each.owner is person
