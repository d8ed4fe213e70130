"""The pair check: database rows of `files` against the objects of a bucket."""
