"""The ways out of the house. Each kind of channel has a transport; nothing here writes to the database."""
