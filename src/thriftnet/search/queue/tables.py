"""Creates the tables of a study, and checks that they belong to its space and folder."""

from __future__ import annotations

import sqlalchemy as sql

from thriftnet.errors import SearchError
from thriftnet.search.queue import schema
from thriftnet.search.queue.checks import (
    add_checksums,
    has_checksums,
    refuse_code,
    refuse_damage,
)
from thriftnet.search.queue.faults import another_folder, unless_another_was_first
from thriftnet.search.queue.retry import retry_while_unavailable
from thriftnet.search.queue.transactions import Transactions


class Tables(Transactions):
    """Creates and checks the tables of a database."""

    @retry_while_unavailable
    def prepare(self, space: str, *, begun: bool = False) -> None:
        """Create the tables, or check that they belong to this space.

        Args:
            space: Its digest.
            begun: Whether they must exist already.

        Raises:
            SearchError: The database belongs to another space, or has no tables.
        """
        with self._reading() as connection:
            refuse_code(connection)
        with self._explained():
            if begun and not sql.inspect(self._engine).has_table(schema.study.name):
                raise SearchError(
                    f"{self.where} holds no study; pass the database that this study began in as "
                    "--storage, or begin another one with --study"
                )
            self._make_tables()
            with unless_another_was_first(), self._engine.begin() as connection:
                add_checksums(connection, schema.candidates, schema.jobs)
        with self._explained(), unless_another_was_first(), self._engine.begin() as connection:
            if connection.scalar(sql.select(schema.study.c.id)) is None:
                connection.execute(schema.study.insert().values(id=1, space=space, writes=0))
        self.check(space)

    @retry_while_unavailable
    def check(self, space: str) -> None:
        """Check that the tables exist and belong to this space, without writing.

        Args:
            space: Its digest.

        Raises:
            SearchError: They do not.
        """
        with self._reading() as connection:
            refuse_code(connection)
            refuse_damage(connection)
            self._checked = has_checksums(connection, schema.jobs)
            row = connection.execute(sql.select(schema.study)).first()
        if row is None:
            raise SearchError(f"{self.where} holds no study; it was emptied")
        if row.space != space:
            raise SearchError(
                f"the storage {self.where} is of another space ({row.space}, not {space}); "
                "use another --study or --storage"
            )
        self._round, self._was_there = row.id, True

    @retry_while_unavailable
    def check_folder(self, identity: str) -> None:
        """Check that the storage belongs to no other study folder, without writing.

        Args:
            identity: Identity of the folder.

        Raises:
            SearchError: It belongs to another one.
        """
        with self._reading() as connection:
            self._belongs(connection, identity)

    @retry_while_unavailable
    def bind(self, identity: str, place: str) -> None:
        """Bind the storage to this study folder, or check that it is.

        Trials continue from checkpoints in the folder, so all machines must use the same one.

        Args:
            identity: Identity of the folder.
            place: Path of the folder, for messages.

        Raises:
            SearchError: It belongs to another one.
        """
        with self._writing() as connection:
            if not self._belongs(connection, identity):
                values = {"id": 1, "identity": identity, "place": place}
                connection.execute(schema.folder.insert().values(**values))

    def _belongs(self, connection: sql.Connection, identity: str) -> bool:
        """Whether the storage is bound to the folder of this identity."""
        known = connection.execute(sql.select(schema.folder)).first()
        if known is not None and known.identity != identity:
            raise another_folder(self.where, known.place)
        return known is not None

    def _make_tables(self) -> None:
        """Create missing tables, safely with concurrent processes."""
        for _ in range(len(schema.metadata.tables) + 1):  # each lost race adds one table
            with unless_another_was_first():
                schema.metadata.create_all(self._engine)
                return
