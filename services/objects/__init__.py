"""The S3 bucket: listing, snapshots, restore, comparison."""
