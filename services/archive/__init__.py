"""The mongodump formats: archive, directory and tar, read and written as raw BSON."""
