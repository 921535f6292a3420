"""The public pages: each a function from facts and words to HTML."""
