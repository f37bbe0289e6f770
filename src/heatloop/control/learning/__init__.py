"""What a unit's own history teaches: models, how sure they are, and which of two is believed."""
