"""Exchange of records with billing and customer systems."""
