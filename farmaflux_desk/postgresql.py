"""Connections to PostgreSQL that remember what the desk asks."""

from typing import Any

from psycopg import Connection

# A desk asks some hundreds of different questions. Of psycopg's hundred each page pushes out another's, and what is
# asked rarely, as publishing is, would be planned anew each time.
MOST_PREPARED = 500


class RememberingConnection(Connection[Any]):
    """Keeps the plans of up to MOST_PREPARED statements."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.prepared_max = MOST_PREPARED
