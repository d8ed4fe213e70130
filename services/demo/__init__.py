"""An embedded real MongoDB and S3 server with sample Quilltap data."""
