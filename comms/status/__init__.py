"""The public status site: public facts, rendered to files, swapped in whole, served without a database."""
