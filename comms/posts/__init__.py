"""The texts of posts: counted as each network counts, composed from an update, shortened where they must be. Pure."""
