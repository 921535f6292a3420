"""Messages prepared before they are needed: the first one to be published before anybody knows the cause."""
